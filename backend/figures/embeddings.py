"""UMAP and its like: dissociated cells by type or by a value. Distances in them mean little, so they carry no ticks."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from backend.figures.maps import frame_predicted
from backend.figures.palette import Theme
from backend.figures.points import Measure, Places, add_types, add_values, colour_axis
from backend.figures.style import dress, label, number

_HEIGHT = 560


def embed_types(
    x: ArrayLike,
    y: ArrayLike,
    types: ArrayLike,
    colours: dict[str, str],
    title: str,
    theme: Theme = "light",
    legend: str = "cell type",
) -> go.Figure:
    """An embedding by a name per cell: type, niche group. x, y, types: n cells. `legend` heads the legend."""
    names, places = np.asarray(types).astype(str), Places(x, y, upright=True)
    figure = go.Figure()
    add_types(figure, places, names, colours, _size(places))
    _lay(figure)
    figure.update_layout(legend_title_text=label(legend))
    alt = f"{title}. UMAP of {len(names):,} cells, coloured by {legend} ({len(np.unique(names))} in all)."
    return dress(figure, title, theme, alt=alt, height=_HEIGHT)


def embed_values(x: ArrayLike, y: ArrayLike, measure: Measure, title: str, theme: Theme = "light") -> go.Figure:
    """An embedding by one number per cell; a predicted one stands in a dashed frame."""
    places = Places(x, y, upright=True)
    figure = go.Figure()
    add_values(figure, places, measure, theme, _size(places))
    _lay(figure)
    figure.update_layout(coloraxis=colour_axis(measure, theme))
    if measure.predicted:
        frame_predicted(figure, theme)
    low, high = measure.range
    kind = "predicted " if measure.predicted and "predicted" not in measure.title.lower() else ""
    alt = (
        f"{title}. UMAP of {len(measure.values):,} cells, coloured by {kind}{measure.title}, "
        f"from {number(low)} to {number(high)}."
    )
    return dress(figure, title, theme, alt=alt, height=_HEIGHT)


def _size(places: Places) -> float:
    return min(places.point_px(560), 5.0)


def _lay(figure: go.Figure) -> None:
    bare = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False, "constrain": "domain"}
    figure.update_layout(
        xaxis=bare | {"title": "UMAP 1"},
        yaxis=bare | {"title": "UMAP 2", "scaleanchor": "x"},
        uirevision="embedding",
        margin_l=40,
    )
