"""Maps of the same cells side by side: one camera, one lasso, and what nobody can know hatched out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from plotly.subplots import make_subplots

from backend.figures.maps import frame_predicted, lay_map, map_height, of_sections
from backend.figures.palette import Theme
from backend.figures.points import Measure, Places, add_values, colour_axis
from backend.figures.style import FAINT, dress, label

_MOST_STROKES = 20_000


@dataclass(frozen=True)
class Panel:
    """One of the maps. measure.predicted: in a dashed frame. same: has the colours of the panel before it."""

    heading: str
    measure: Measure
    same: bool = False


@dataclass(frozen=True)
class Hatched:
    """Cells of which nothing predicted is shown. cells: n times yes or no. why: for the legend."""

    cells: ArrayLike
    why: str

    @property
    def rows(self) -> NDArray[np.intp]:
        return np.flatnonzero(np.asarray(self.cells, dtype=bool))


def shared_range(*measures: Measure) -> tuple[float, float]:
    """One colour range for measures of one unit."""
    return replace(measures[0], numbers=np.concatenate([each.values for each in measures]), limits=None).range


def maps_beside(
    places: Places, panels: Sequence[Panel], title: str, theme: Theme = "light", hatched: Hatched | None = None
) -> go.Figure:
    """Each panel's measure over the same places. What is drawn with the lasso belongs to all of them: read its outline,
    in map coordinates, not its points. `hatched`: its cells are struck through in all predicted panels."""
    places = replace(places, panels=len(panels))
    heads = [label(panel.heading) for panel in panels]
    figure = make_subplots(1, len(panels), subplot_titles=heads, horizontal_spacing=0.02)
    figure.update_annotations(font_size=14, yshift=4)
    size, width, bar, first = places.point_px(1000 / len(panels)), 1 / len(panels), 0, 0
    for place, panel in enumerate(panels):
        axis = str(place + 1) if place else ""
        first, bar = (first, bar) if panel.same and place else (place, bar + 1)
        name = str(bar) if bar > 1 else ""
        add_values(figure, places, _shown(panel.measure, hatched), theme, size, axis=axis, bar=name)
        lay_map(figure, places, theme, axis)
        flat = {"orientation": "h", "yanchor": "top", "y": -0.02, "len": 0.8 * width, "thickness": 10,
                "x": (first + place + 1) / 2 * width}  # fmt: skip
        if place == first:
            figure.update_layout({f"coloraxis{name}": colour_axis(panel.measure, theme, **flat)})
        else:
            figure.layout[f"coloraxis{name}"].colorbar.x = flat["x"]
        if panel.measure.predicted:
            frame_predicted(figure, theme, axis=axis, tag=False)
            _strike(figure, places, hatched, theme, axis)
    # Plotly keeps selections and zoom while `uirevision` stays.
    figure.update_layout(uirevision="map", dragmode="lasso", margin={"b": 78, "t": 84})
    alt = f"{title}. {len(panels)} maps of the same {len(places.xy):,} cells{of_sections(places)}: {_list(panels)}."
    if hatched is not None and len(hatched.rows):
        alt += f" {len(hatched.rows):,} cells are hatched out: {hatched.why}."
    dress(figure, title, theme, alt=alt, height=map_height(places, 1180 / len(panels)) + 66)
    return _explain(figure, hatched, theme)


def _shown(measure: Measure, hatched: Hatched | None) -> Measure:
    if hatched is None or not measure.predicted:
        return measure
    values = measure.values.copy()
    values[hatched.rows] = np.nan
    return replace(measure, numbers=values, limits=measure.range)


def _strike(figure: go.Figure, places: Places, hatched: Hatched | None, theme: Theme, axis: str) -> None:
    """A diagonal stroke through each cell, so that neighbours make a hatching."""
    if hatched is None or not len(hatched.rows):
        return
    rows = hatched.rows[:: 1 + len(hatched.rows) // _MOST_STROKES]
    figure.add_scattergl(
        x=places.xy[rows, 0], y=places.xy[rows, 1], xaxis=f"x{axis}", yaxis=f"y{axis}", mode="markers",
        marker=_stroke(theme, max(1.3 * places.point_px(330), 4.0)), name="hatched", showlegend=False, hoverinfo="skip",
    )  # fmt: skip


def _explain(figure: go.Figure, hatched: Hatched | None, theme: Theme) -> go.Figure:
    """The line under the maps that says why cells are hatched out."""
    if hatched is None or not len(hatched.rows):
        return figure
    figure.add_scatter(
        x=[None], y=[None], mode="markers", marker=_stroke(theme, 10), name=label(f"hatched out: {hatched.why}")
    )
    edge = {"yref": "container", "y": 0, "yanchor": "bottom", "x": 0, "xanchor": "left"}
    return figure.update_layout(
        legend={"orientation": "h", **edge}, height=figure.layout.height + 26, margin_b=figure.layout.margin.b + 26
    )


def _stroke(theme: Theme, size_px: float) -> dict[str, object]:
    line = {"width": 1.0, "color": FAINT[theme]}
    return {"symbol": "line-ne-open", "size": size_px, "color": FAINT[theme], "line": line}


def _list(panels: Sequence[Panel]) -> str:
    return ", ".join(f"{panel.heading}{' (predicted)' if panel.measure.predicted else ''}" for panel in panels)
