"""Which groups of reference cells (centroids) a tissue cell was read from. Where it was read, not why."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from plotly.subplots import make_subplots

from backend.figures.palette import GREY, SEQUENTIAL, TYPE_COLOURS, Theme
from backend.figures.points import Places
from backend.figures.style import FAINT, INK, dress, label, make_room

MOST_BARS = 15
MOST_COLUMNS = 40
_ROW_PX = 21


def weight_bars(table: pd.DataFrame, title: str, theme: Theme = "light") -> go.Figure:
    """`table`: name, weight, colour, usual (the mean over all cells). The centroids of largest weight, the largest on
    top; a tick stands where the centroid's usual weight is."""
    top = table.nlargest(MOST_BARS, "weight")[::-1]
    names = [label(name) for name in top["name"]]
    figure = go.Figure()
    figure.add_bar(
        x=top["weight"].to_numpy(dtype=np.float32), y=names, orientation="h", marker_color=list(top["colour"]),
        hovertemplate="%{y}: %{x:.3f}<extra></extra>", showlegend=False,
    )  # fmt: skip
    figure.add_scatter(
        x=top["usual"].to_numpy(dtype=np.float32), y=names, mode="markers", name="mean over all cells",
        marker={"symbol": "line-ns", "size": 13, "line": {"width": 2, "color": INK[theme]}},
        hovertemplate="%{y}: %{x:.3f} on average<extra></extra>",
    )  # fmt: skip
    figure.update_layout(xaxis_title="share of all weight", yaxis_showgrid=False, bargap=0.25)
    make_room(figure, top["name"])
    first = ", ".join(f"{name} {weight:.2f}" for name, weight in zip(top["name"][::-1][:3], top["weight"][::-1][:3]))
    alt = f"{title}. Bar chart of the {len(top)} centroids with most weight; first {first}."
    return dress(figure, title, theme, alt=alt, height=170 + 24 * max(len(top), 5))


def centroids_on_umap(cells: pd.DataFrame, centroids: pd.DataFrame, title: str, theme: Theme = "light") -> go.Figure:
    """`cells`: umap_1, umap_2 of the reference, grey. `centroids`: name, umap_1, umap_2, weight, colour: a disc each,
    its area the weight."""
    figure = go.Figure()
    known = cells.dropna(subset=["umap_1", "umap_2"])
    places = Places(known["umap_1"], known["umap_2"], upright=True)
    figure.add_scattergl(
        x=places.xy[:, 0], y=places.xy[:, 1], mode="markers", hoverinfo="skip", showlegend=False,
        marker={"size": min(places.point_px(460), 4.0), "color": GREY, "opacity": 0.35},
    )  # fmt: skip
    placed = centroids.dropna(subset=["umap_1", "umap_2"]).sort_values("weight")
    figure.add_scatter(
        x=placed["umap_1"], y=placed["umap_2"], mode="markers", showlegend=False,
        text=[label(name) for name in placed["name"]], customdata=placed["weight"].to_numpy(dtype=np.float32),
        marker={"size": 5 + 46 * np.sqrt(placed["weight"].to_numpy(dtype=np.float64)), "color": list(placed["colour"]),
                "opacity": 0.85, "line": {"width": 1, "color": INK[theme]}},
        hovertemplate="%{text}: %{customdata:.3f}<extra></extra>",
    )  # fmt: skip
    bare = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False, "constrain": "domain"}
    figure.update_layout(
        xaxis=bare | {"title": "UMAP 1"}, yaxis=bare | {"title": "UMAP 2", "scaleanchor": "x"}, margin_l=40
    )
    alt = f"{title}. UMAP of {len(known):,} reference cells with {len(placed)} centroids, as large as their weight."
    return dress(figure, title, theme, alt=alt, height=460)


def groups_by_centroid(
    table: pd.DataFrame, names: Mapping[int, str], title: str, theme: Theme = "light", group: str = "type"
) -> go.Figure:
    """`table`: group, centroid, weight, shuffled. Two heat maps of one colour range: the mean weights of the groups'
    cells, and the same with the cells' labels shuffled, where every row is the tissue's mean."""
    wide = table.pivot(index="group", columns="centroid", values="weight")
    wide = wide.loc[sorted(wide.index, key=_natural)]
    chance = table.pivot(index="group", columns="centroid", values="shuffled").loc[wide.index]
    kept = wide.max().nlargest(MOST_COLUMNS).index
    order = wide[kept].idxmax().map({name: row for row, name in enumerate(wide.index)})
    kept = order.sort_values(kind="stable").index
    heads = (f"mean weight by {label(group)}", "labels shuffled")
    height = 330 + 2 * _ROW_PX * max(len(wide), 3)
    figure = make_subplots(2, 1, subplot_titles=heads, shared_xaxes=True, vertical_spacing=44 / height)
    for row, values in enumerate((wide, chance), 1):
        figure.add_heatmap(
            z=values[kept].to_numpy(dtype=np.float32), x=[label(names[centroid]) for centroid in kept],
            y=[label(name) for name in values.index], coloraxis="coloraxis", xgap=1, ygap=1,
            hovertemplate="%{y}, %{x}: %{z:.3f}<extra></extra>", row=row, col=1,
        )  # fmt: skip
    figure.update_xaxes(tickangle=-60, dtick=1, showgrid=False)
    figure.update_yaxes(showgrid=False, dtick=1, autorange="reversed")
    bar = {"title": "mean<br>weight", "thickness": 12, "outlinewidth": 0}
    figure.update_layout(coloraxis={"colorscale": SEQUENTIAL, "cmin": 0, "colorbar": bar}, margin_t=92)
    figure.update_annotations(font_size=13)
    make_room(figure, wide.index)
    figure.update_layout(margin_b=40 + 7 * max((len(names[centroid]) for centroid in kept), default=0))
    gap = float((wide - chance).abs().to_numpy().mean()) if wide.size else 0.0
    alt = (
        f"{title}. Heat maps of the mean weight of {len(kept)} centroids in {len(wide)} groups, and with labels "
        f"shuffled; they differ by {gap:.3f} on average."
    )
    return dress(figure, title, theme, alt=alt, height=height)


def _natural(name: object) -> tuple[tuple[str, int], ...]:
    """Sorts niche 2 before niche 10."""
    return tuple((text.casefold(), int(number or 0)) for text, number in re.findall(r"(\D+|^)(\d*)", str(name)))


def mark_cell(figure: go.Figure, places: Places, row: int, theme: Theme) -> go.Figure:
    """A ring around one cell of a map, and clicks on cells told."""
    x, y = (float(end) for end in places.xy[row])
    ring = {"symbol": "circle-open", "size": 18, "color": INK[theme], "line": {"width": 3}}
    # WebGL lies above SVG: a ring of the other kind would be covered by the cells.
    figure.add_scattergl(x=[x], y=[y], mode="markers", marker=ring, hoverinfo="skip", showlegend=False, name="chosen")
    return figure.update_layout(clickmode="event+select")


def entropy_histogram(entropy: ArrayLike, most: float, title: str, theme: Theme = "light") -> go.Figure:
    """Entropy of each cell's weights in nats, with the most that it could be (all centroids alike) as a line."""
    known = np.asarray(entropy, dtype=np.float64)
    known = known[np.isfinite(known)]
    counts, edges = np.histogram(known, bins=40, range=(0.0, max(most, 1e-6)))
    figure = go.Figure()
    figure.add_bar(
        x=edges[:-1].astype(np.float32), width=np.diff(edges).astype(np.float32), y=counts, offset=0,
        marker={"color": TYPE_COLOURS[0], "line": {"width": 0}}, hovertemplate="%{x:.2f} nats: %{y:,}<extra></extra>",
    )  # fmt: skip
    figure.add_vline(x=most, line_color=FAINT[theme], line_width=1.5, line_dash="dash")
    figure.update_layout(xaxis_title="entropy (nats)", yaxis_title="cells", bargap=0, showlegend=False)
    middle = float(np.median(known)) if len(known) else 0.0
    alt = f"{title}. Histogram of the entropy of {len(known):,} cells; median {middle:.2f}, at most {most:.2f} nats."
    return dress(figure, title, theme, alt=alt, height=340)
