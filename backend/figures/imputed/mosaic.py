"""Up to twelve genes at a glance, each over its own range."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from backend.figures.imputed.raster import paint
from backend.figures.maps import frame_predicted, lay_map
from backend.figures.palette import SEQUENTIAL, Theme
from backend.figures.points import Measure, Places
from backend.figures.style import dress, label

MOST = 12
COLUMNS = 4


def mosaic(places: Places, genes: Sequence[Measure], title: str, theme: Theme = "light") -> go.Figure:
    """A small map per gene, at most `MOST`; the predicted in dashed frames. One camera. Colours go from each gene's own
    1 % to its own 99 %: places can be compared between maps, amounts cannot."""
    genes = list(genes)[:MOST]
    across = min(COLUMNS, len(genes))
    down = math.ceil(len(genes) / across)
    heads = [label(gene.title) for gene in genes]
    gap = 0.012
    figure = make_subplots(down, across, subplot_titles=heads, horizontal_spacing=gap, vertical_spacing=0.16 / down)
    low, extents = places.box
    for place, (gene, picture) in enumerate(zip(genes, paint(places, [_own_range(gene) for gene in genes]))):
        axis = str(place + 1) if place else ""
        dx, dy = (float(step) for step in extents / picture.shape[::-1])
        figure.add_heatmap(
            z=picture, x0=float(low[0]) + dx / 2, dx=dx, y0=float(low[1]) + dy / 2, dy=dy, xaxis=f"x{axis}",
            yaxis=f"y{axis}", coloraxis="coloraxis", name=label(gene.title), zsmooth=False,
            hovertemplate="%{z:.0%} of its range<extra>%{fullData.name}</extra>",
        )  # fmt: skip
        lay_map(figure, places, theme, axis)
        if gene.predicted:
            frame_predicted(figure, theme, axis=axis, tag=False)
    bar = {"title": "each gene’s own range", "orientation": "h", "yanchor": "top", "y": -0.03, "len": 0.4, "x": 0.5,
           "thickness": 10, "tickvals": [0, 1], "ticktext": ["low (its 1 %)", "high (its 99 %)"]}  # fmt: skip
    figure.update_layout(
        coloraxis={"colorscale": SEQUENTIAL, "cmin": 0, "cmax": 1, "colorbar": bar}, uirevision="map",
        margin={"b": 84, "t": 84},
    )  # fmt: skip
    names = ", ".join(f"{gene.title}{' (predicted)' if gene.predicted else ''}" for gene in genes)
    alt = f"{title}. {len(genes)} maps of the same {len(places.xy):,} cells: {names}."
    each = float(np.clip(1020 / across * (extents[1] / extents[0] + 0.12), 110, 420)) + 30
    return dress(figure, title, theme, alt=alt, height=int(each * down) + 170)


def _own_range(gene: Measure) -> NDArray[np.float32]:
    low, high = gene.range
    return np.asarray(np.clip((gene.values - low) / (high - low), 0, 1), dtype=np.float32)
