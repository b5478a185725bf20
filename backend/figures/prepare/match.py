"""How an atlas matches a tissue: markers that are shared, genes side by side, and where cells have no counterpart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from plotly.subplots import make_subplots

from backend.figures.maps import map_types
from backend.figures.palette import GREY, TYPE_COLOURS, Theme
from backend.figures.points import MOST_POINTS, Places
from backend.figures.style import FAINT, dress, label, make_room, shorten

HELD = "the atlas has their like"
LOST = "no counterpart in the atlas"
COUNTERPART_COLOURS = {HELD: GREY, LOST: TYPE_COLOURS[4]}
_MOST_TYPES, _LETTERS = 40, 34


def markers_present(types: pd.DataFrame, title: str, theme: Theme = "light") -> go.Figure:
    """types: one row per tissue type with `type`, `markers`, `present` and `counterpart`. A bar per type: how many of
    its markers are among the shared genes, in front of all of them. Types without a counterpart are orange."""
    rows = types[types["markers"] > 0].head(_MOST_TYPES).iloc[::-1]
    names = [shorten(name, _LETTERS) for name in rows["type"]]
    figure = go.Figure()
    figure.add_bar(
        x=rows["markers"].to_numpy(), y=names, orientation="h", name="all markers",
        marker={"color": GREY, "opacity": 0.3},
        hoverinfo="skip", text=[f"{n} of {of}" for n, of in zip(rows["present"], rows["markers"])],
        textposition="outside", cliponaxis=False,
    )  # fmt: skip
    for held, name in ((True, "shared, type with a counterpart"), (False, "shared, type without a counterpart")):
        part = rows["counterpart"].to_numpy(dtype=bool) == held
        colour = TYPE_COLOURS[0] if held else TYPE_COLOURS[4]
        chosen = rows[part]
        figure.add_bar(
            x=chosen["present"].to_numpy(), y=[name for name, mine in zip(names, part) if mine], orientation="h",
            marker={"color": colour, "pattern_shape": "" if held else "/"}, name=name,
            customdata=chosen["markers"].to_numpy(), hovertemplate="%{y}: %{x} of %{customdata}<extra></extra>",
        )  # fmt: skip
    most = int(rows["markers"].max()) if len(rows) else 1
    figure.update_layout(barmode="overlay", xaxis_title="marker genes", yaxis_showgrid=False)
    figure.update_xaxes(range=[0, most * 1.2])
    make_room(figure, (name[:_LETTERS] for name in names))
    shared, every = int(rows["present"].sum()), int(rows["markers"].sum())
    alt = f"{title}. Bars of {len(rows)} types: {shared} of {every} markers are among the shared genes."
    return dress(figure, title, theme, alt=alt, height=170 + 22 * max(len(rows), 3))


def genes_compared(genes: pd.DataFrame, title: str, theme: Theme = "light") -> go.Figure:
    """genes: one row per shared gene with mean_tissue, mean_atlas (log-normalised), detection_tissue and
    detection_atlas (0 to 1). Left: means; right: percent of cells. The line is where both are alike."""
    figure = make_subplots(1, 2, subplot_titles=("Mean expression", "Detection"), horizontal_spacing=0.14)
    texts = [label(gene) for gene in genes["gene"]]
    size = 6 if len(genes) < 200 else 4
    alike = []
    for place, (measure, scale, unit) in enumerate(
        (("mean", 1.0, "mean log expression"), ("detection", 100.0, "% of cells"))
    ):
        x, y = (scale * genes[f"{measure}_{side}"].to_numpy(dtype=np.float32) for side in ("atlas", "tissue"))
        top = float(max(x.max(initial=0), y.max(initial=0), 1e-3)) * 1.04
        figure.add_scatter(
            x=[0, top], y=[0, top], mode="lines", line={"color": FAINT[theme], "dash": "dot", "width": 1},
            hoverinfo="skip", showlegend=False, row=1, col=place + 1,
        )  # fmt: skip
        figure.add_scattergl(
            x=x, y=y, mode="markers", text=texts, showlegend=False, row=1, col=place + 1,
            marker={"size": size, "color": TYPE_COLOURS[0 if theme == "light" else 3], "opacity": 0.6},
            hovertemplate="%{text}<br>atlas %{x:.2f}, tissue %{y:.2f}<extra></extra>",
        )  # fmt: skip
        figure.update_xaxes(title_text=f"atlas, {unit}", range=[0, top], row=1, col=place + 1)
        figure.update_yaxes(title_text=f"tissue, {unit}", range=[0, top], row=1, col=place + 1)
        alike.append(_spearman(x, y))
    figure.update_layout(margin_t=96)
    alt = (
        f"{title}. Two scatter plots of {len(genes):,} shared genes, atlas against tissue: mean expression (Spearman's "
        f"r = {alike[0]:.2f}) and share of cells in which a gene is found (r = {alike[1]:.2f})."
    )
    return dress(figure, title, theme, alt=alt, height=420)


def map_counterparts(places: Places, counterpart: ArrayLike, title: str, theme: Theme = "light") -> go.Figure:
    """counterpart: n booleans. Cells without one are orange crosses on grey cells."""
    held = np.asarray(counterpart, dtype=bool)
    names = np.where(held, HELD, LOST)
    figure = map_types(places, names, COUNTERPART_COLOURS, title, theme, legend="in the atlas", predicted=True)
    if len(held) <= MOST_POINTS:
        figure.update_traces(marker_symbol="x", selector={"name": LOST})
    lost = int((~held).sum())
    figure.layout.meta["alt"] += f" {lost:,} cells ({lost / max(len(held), 1):.0%}) have no counterpart in the atlas."
    return figure


def _spearman(left: np.ndarray, right: np.ndarray) -> float:
    if np.ptp(left) == 0 or np.ptp(right) == 0:
        return 0.0
    ranks = [pd.Series(values).rank().to_numpy() for values in (left, right)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
