"""Which cells pass a gate, such as "CD8A+ and CXCL13+", and what share of each type they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from backend.figures.maps import map_types
from backend.figures.palette import GREY, TYPE_COLOURS, Theme
from backend.figures.points import Places
from backend.figures.style import FAINT, dress, label, make_room

_Z = 1.959964  # of a 95 % interval


def map_gate(
    places: Places, passed: ArrayLike, gate: str, title: str, theme: Theme = "light", predicted: bool = True
) -> go.Figure:
    """passed: n times yes or no. The cells that pass in colour, the others grey."""
    names = np.where(np.asarray(passed, dtype=bool), gate, "other cells")
    colours = {gate: TYPE_COLOURS[4], "other cells": GREY}
    return map_types(places, names, colours, title, theme, legend="gate", predicted=predicted)


def shares_by_type(passed: ArrayLike, types: ArrayLike) -> pd.DataFrame:
    """A row per type, the largest share first: type, cells, passed, share, low, high (95 %, Wilson 1927)."""
    table = pd.DataFrame({"type": np.asarray(types).astype(str), "passed": np.asarray(passed, dtype=bool)})
    found = table.groupby("type")["passed"].agg(cells="size", passed="sum").reset_index()
    n, share = found["cells"], found["passed"] / found["cells"]
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    reach = _Z / (1 + _Z**2 / n) * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    found = found.assign(share=share, low=(middle - reach).clip(0), high=(middle + reach).clip(upper=1))
    return found.sort_values("share", ascending=False, kind="stable", ignore_index=True)


def share_bars(
    shares: pd.DataFrame, colours: dict[str, str], title: str, theme: Theme = "light", most: int = 25
) -> go.Figure:
    """`shares`: of `shares_by_type`. A bar per type with its 95 % interval; the type of largest share on top."""
    top = shares.head(most)[::-1]
    share = 100 * top["share"].to_numpy(dtype=np.float32)
    names = [f"{label(name)}  ({cells:,})" for name, cells in zip(top["type"], top["cells"])]
    figure = go.Figure()
    figure.add_bar(
        x=share, y=names, orientation="h", marker_color=[colours.get(name, GREY) for name in top["type"]],
        error_x={"type": "data", "symmetric": False, "array": 100 * top["high"] - share,
                 "arrayminus": share - 100 * top["low"], "color": FAINT[theme], "thickness": 1.2, "width": 3},
        customdata=top["passed"], hovertemplate="%{y}: %{x:.1f} %, %{customdata:,} cells<extra></extra>",
    )  # fmt: skip
    figure.update_layout(xaxis_title="% of the type’s cells", yaxis_showgrid=False, bargap=0.3)
    figure.update_xaxes(rangemode="tozero")
    make_room(figure, names)
    first = "; ".join(f"{row.type} {row.share:.1%} of {row.cells:,}" for row in shares.head(5).itertuples())
    alt = f"{title}. Share of the cells that pass, by type, largest first: {first}."
    return dress(figure, title, theme, alt=alt, height=130 + 26 * max(len(top), 3))
