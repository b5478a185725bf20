"""Cells put back: which were chosen, where they would have stood, and how far off that is for cells whose place is
known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from backend.figures.embeddings import embed_types, embed_values
from backend.figures.maps import map_types, map_values
from backend.figures.palette import GREY, TYPE_COLOURS, Theme
from backend.figures.points import Measure, Places
from backend.figures.style import ACCENT, FAINT, GROUND, INK, dress, label, make_room, number

REGIONS = {0: "holds 50 %", 1: "up to 80 %", 2: "up to 90 %", 3: "elsewhere", -1: "no place"}
REGION_COLOURS = {
    "holds 50 %": "#D55E00", "up to 80 %": "#E69F00", "up to 90 %": "#D2D25A", "elsewhere": GREY, "no place": "#69707A",
}  # fmt: skip
WAYS = {"used": TYPE_COLOURS[0], "type only": TYPE_COLOURS[1], "random": GREY}
OTHERS = "other cells"
_DOTS = 400  # of an outline
LEAST_TIMES = 2.0  # a colour range that is narrower would make noise look like a pattern


def choose_cells(
    cells: pd.DataFrame,
    colours: dict[str, str],
    outline: Sequence[Sequence[float]] | None,
    title: str,
    theme: Theme = "light",
) -> go.Figure:
    """A UMAP. cells: umap_1, umap_2, type, chosen. Where some are chosen the others are grey. outline: corners of what
    was drawn before, none as yet, or None: it is not to be drawn on."""
    chosen = cells["chosen"].to_numpy(dtype=bool)
    names = np.where(chosen, cells["type"].astype(str), OTHERS) if chosen.any() else cells["type"].astype(str)
    figure = embed_types(cells["umap_1"], cells["umap_2"], names, {**colours, OTHERS: GREY}, title, theme)
    figure.layout.meta["alt"] += f" {chosen.sum():,} cells are chosen."
    if outline is None:
        return figure
    return drawable(figure, outline, theme)


def drawable(figure: go.Figure, outline: Sequence[Sequence[float]], theme: Theme) -> go.Figure:
    """With lasso and box, and the outline of what was drawn before. The bar of tools stands upright: across, it would
    cover the title on a telephone."""
    if len(outline):
        ends = np.asarray([*outline, outline[0]], dtype=np.float64)
        steps = np.linspace(0, len(outline), _DOTS)
        dots = np.column_stack([np.interp(steps, np.arange(len(ends)), ends[:, axis]) for axis in (0, 1)])
        for colour, size in ((GROUND[theme], 5), (ACCENT[theme], 3)):
            figure.add_scattergl(  # dots on one canvas with the cells, which would hide a line of another
                x=dots[:, 0].astype(np.float32), y=dots[:, 1].astype(np.float32), mode="markers", name="drawn",
                marker={"color": colour, "size": size}, showlegend=False, hoverinfo="skip",
            )  # fmt: skip
    figure.layout.meta["alt"] += " Areas can be drawn on it."
    return figure.update_layout(dragmode="lasso", modebar_orientation="v")


def probability_map(places: Places, times: ArrayLike, title: str, theme: Theme = "light") -> go.Figure:
    """times: per tissue cell how much more probable its place is than if all were alike."""
    values = np.asarray(times, dtype=np.float32)
    known = values[np.isfinite(values)]
    high = max(float(np.quantile(known, 0.995)), LEAST_TIMES) if len(known) else LEAST_TIMES
    measure = Measure(values, "Probability", "times chance", predicted=True, limits=(0.0, high))
    figure = map_values(places, measure, title, theme)
    top = float(known.max(initial=0.0))
    figure.layout.meta["alt"] += f" 1 is chance; the most probable place reaches {number(top)} times that."
    return figure


def region_map(places: Places, region: NDArray[np.int8], title: str, theme: Theme = "light") -> go.Figure:
    """region: 0, 1, 2 in the smallest region that holds 50, 80, 90 %; 3 elsewhere; -1 no place."""
    names = np.array([REGIONS[int(number)] for number in region])
    figure = map_types(places, names, REGION_COLOURS, title, theme, legend="region", predicted=True)
    order = list(REGIONS.values())
    for trace in figure.data:
        if trace.name in order:
            trace.legendrank = order.index(str(trace.name)) + 1
    placed = region >= 0
    parts = [f"{name} {np.mean(region[placed] <= key):.0%}" for key, name in REGIONS.items() if 0 <= key < 3]
    figure.layout.meta["alt"] += f" Share of the tissue within each region: {', '.join(parts)}."
    return figure


def error_curves(cells: pd.DataFrame, names: Mapping[str, str], title: str, theme: Theme = "light") -> go.Figure:
    """cells: way, guess_um, one row per hidden cell and way. names: way -> its word. How many cells lie within which
    distance of their best guess; the more to the left, the better."""
    figure, said = go.Figure(), []
    for way, words in names.items():
        values = np.sort(cells.loc[cells["way"] == way, "guess_um"].to_numpy(dtype=np.float64))
        if not len(values):
            continue
        share = 100 * np.arange(1, len(values) + 1) / len(values)
        middle = float(np.median(values))
        figure.add_scatter(
            x=values.astype(np.float32), y=share.astype(np.float32), mode="lines",
            name=f"{label(words)}: median {middle:,.0f} µm",
            line={"color": WAYS.get(way, TYPE_COLOURS[4]), "width": 3 if way == "used" else 2,
                  "dash": {"used": "solid", "type only": "dash"}.get(way, "dot")},
            hovertemplate="%{y:.0f} % within %{x:,.0f} µm<extra></extra>",
        )  # fmt: skip
        said.append(f"{words} {middle:,.0f} µm")
    figure.add_hline(y=50, line_color=FAINT[theme], line_width=1, line_dash="dot")
    figure.update_layout(xaxis_title="µm from the true place to the best guess", yaxis_title="% of hidden cells")
    figure.update_xaxes(rangemode="tozero")
    figure.update_yaxes(range=[0, 101])
    count = int((cells["way"] == "used").sum())
    alt = f"{title}. Cumulative curves over {count:,} cells; median distances: {'; '.join(said)}."
    return dress(figure, title, theme, alt=alt, height=430)


def calibration(rows: Mapping[str, Sequence[Mapping[str, Any]]], title: str, theme: Theme = "light") -> go.Figure:
    """rows: "single cells", "groups" -> per level: level, held, low, high, cells. On the line a region holds what it
    says."""
    figure, said = go.Figure(), []
    figure.add_scatter(
        x=[40, 100], y=[40, 100], mode="lines", line={"color": INK[theme], "width": 1.2, "dash": "dash"},
        showlegend=False, hoverinfo="skip",
    )  # fmt: skip
    for place, (name, levels) in enumerate(rows.items()):
        table = pd.DataFrame(list(levels))
        table = table[table["cells"] > 0] if len(table) else table
        if table.empty:
            continue
        held = 100 * table["held"].to_numpy(dtype=np.float64)
        figure.add_scatter(
            x=100 * table["level"] + (place - 0.5) * 0.9, y=held, mode="markers",
            name=f"{label(name)} ({int(table['cells'].iloc[0]):,} cells)",
            marker={"size": 10, "color": TYPE_COLOURS[(0, 4)[place % 2]], "symbol": ("circle", "diamond")[place % 2]},
            error_y={"type": "data", "symmetric": False, "array": 100 * table["high"] - held,
                     "arrayminus": held - 100 * table["low"], "thickness": 1.5, "width": 4},
            hovertemplate="%{y:.0f} % lie in it<extra></extra>",
        )  # fmt: skip
        pairs = zip(table["level"], table["held"])
        said.append(f"{name}: " + ", ".join(f"{level:.0%} regions hold {value:.0%}" for level, value in pairs))
    figure.update_xaxes(title="% that the region is said to hold", range=[42, 98], tickvals=[50, 80, 90])
    figure.update_yaxes(title="% of hidden cells that lie in it", range=[30, 102])
    alt = f"{title}. Stated against held, with 95 % intervals. {'; '.join(said)}."
    return dress(figure, title, theme, alt=alt, height=430)


def origins_map(umap: pd.DataFrame, times: ArrayLike, title: str, theme: Theme = "light") -> go.Figure:
    """The reference's cells by how much more probable the region is for them than by chance. umap: umap_1, umap_2."""
    values = np.asarray(times, dtype=np.float32)
    high = max(float(np.quantile(values, 0.995)), LEAST_TIMES)
    measure = Measure(values, "From the region", "times chance", predicted=True, limits=(0.0, high))
    return embed_values(umap["umap_1"], umap["umap_2"], measure, title, theme)


def types_compared(table: pd.DataFrame, title: str, theme: Theme = "light", most: int = 20) -> go.Figure:
    """table: type, predicted, measured (NaN where the tissue lacks the type): how many times as common in the region as
    elsewhere; predicted for the reference's cells, measured in the tissue. A logarithmic axis; 1 is chance."""
    rows = table.head(most)[::-1]
    names = [label(name) for name in rows["type"]]
    figure = go.Figure()
    for column, words, colour, symbol in (
        ("measured", "tissue cells, measured", INK[theme], "circle"),
        ("predicted", "reference cells, predicted", TYPE_COLOURS[4], "diamond-open"),
    ):
        values = rows[column].clip(lower=0.02).to_numpy(dtype=np.float64)
        figure.add_scatter(
            x=values, y=names, mode="markers", name=words,
            marker={"size": 10, "color": colour, "symbol": symbol, "line": {"width": 2}},
            hovertemplate="%{y}: %{x:.2g} times<extra></extra>",
        )  # fmt: skip
    figure.add_vline(x=1, line_color=FAINT[theme], line_width=1, line_dash="dot")
    figure.update_xaxes(title="times chance", type="log", dtick="D2")
    figure.update_layout(yaxis_showgrid=False)
    make_room(figure, rows["type"])
    first = "; ".join(f"{row.type} {row.predicted:.2g} predicted, {row.measured:.2g} measured" for row in
                      table.head(5).itertuples())  # fmt: skip
    alt = f"{title}. A row per type, the likeliest first: {first}."
    return dress(figure, title, theme, alt=alt, height=150 + 26 * max(len(rows), 3))
