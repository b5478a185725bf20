"""Tissue maps: no axes, one um as long in x as in y, a scale bar. Sections stand side by side.

Measured and predicted values share one colour scale, so that the same colour means the same number; what is predicted
stands in a dashed frame and says so.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from plotly.subplots import make_subplots

from backend.figures.palette import Theme
from backend.figures.points import Measure, Places, add_types, add_values, colour_axis
from backend.figures.style import ACCENT, INK, dress, label, number

_HIDDEN = {"visible": False, "showgrid": False, "zeroline": False, "constrain": "domain"}


def map_types(
    places: Places,
    types: ArrayLike,
    colours: dict[str, str],
    title: str,
    theme: Theme = "light",
    legend: str = "cell type",
    predicted: bool = False,
) -> go.Figure:
    """Cells by a name each: type, niche group, section. `legend` heads the legend. Predicted names stand in a dashed
    frame."""
    names = np.asarray(types).astype(str)
    figure = go.Figure()
    add_types(figure, places, names, colours, places.point_px(620))
    lay_map(figure, places, theme)
    figure.update_layout(legend_title_text=label(legend), uirevision="map")
    if predicted:
        frame_predicted(figure, theme)
    kinds = len(np.unique(names))
    alt = f"{title}. Tissue map of {len(names):,} cells{of_sections(places)}, coloured by {legend} ({kinds} in all)."
    # A legend at the side, as in a downloaded figure, has a line per kind.
    return dress(figure, title, theme, alt=alt, height=max(map_height(places, 620), 60 + 19 * kinds))


def map_values(places: Places, measure: Measure, title: str, theme: Theme = "light") -> go.Figure:
    """Cells by one number each; a predicted one stands in a dashed frame."""
    figure = go.Figure()
    add_values(figure, places, measure, theme, places.point_px(640))
    lay_map(figure, places, theme)
    figure.update_layout(coloraxis=colour_axis(measure, theme), uirevision="map")
    if measure.predicted:
        frame_predicted(figure, theme)
    alt = f"{title}. Tissue map of {len(measure.values):,} cells{of_sections(places)}, coloured by {_said(measure)}."
    return dress(figure, title, theme, alt=alt, height=map_height(places, 640))


def map_compared(
    places: Places, measured: Measure, predicted: Measure, title: str, theme: Theme = "light"
) -> go.Figure:
    """Measured | predicted | predicted minus measured: one camera, and one colour range for the first two."""
    both = np.concatenate([measured.values, predicted.values])
    limits = replace(measured, numbers=both).range
    shared, guess = replace(measured, limits=limits), replace(predicted, limits=limits, predicted=True)
    gap = Measure(guess.values - shared.values, "predicted − measured", measured.unit, diverging=True)
    heads = ("Measured", "Predicted", "Predicted − measured")
    figure = make_subplots(1, 3, subplot_titles=heads, horizontal_spacing=0.02)
    size = places.point_px(330)
    for axis, measure, bar in (("", shared, ""), ("2", guess, ""), ("3", gap, "2")):
        add_values(figure, places, measure, theme, size, axis=axis, bar=bar)
        lay_map(figure, places, theme, axis)
    flat = {"orientation": "h", "yanchor": "top", "y": -0.02, "len": 0.3, "thickness": 12}
    figure.update_layout(
        coloraxis=colour_axis(shared, theme, **flat, x=0.33), coloraxis2=colour_axis(gap, theme, **flat, x=0.84),
        uirevision="map", margin={"b": 92, "t": 88},
    )  # fmt: skip
    frame_predicted(figure, theme, axis="2", tag=False)
    pearson = _pearson(shared.values, guess.values)
    alt = (
        f"{title}. Three maps of the same {len(gap.values):,} cells: measured, predicted, and their difference. "
        f"Over these cells the two agree with Pearson's r = {pearson:.2f}."
    )
    return dress(figure, title, theme, alt=alt, height=map_height(places, 300) + 80)


def frame_predicted(figure: go.Figure, theme: Theme, *, axis: str = "", tag: bool = True) -> None:
    """The dashed frame that marks a panel as predicted, with a tag in its corner."""
    edge = {"xref": f"x{axis} domain", "yref": f"y{axis} domain"}
    figure.add_shape(
        type="rect", x0=0, x1=1, y0=0, y1=1, **edge, line={"color": ACCENT[theme], "width": 1.5, "dash": "dash"},
        name="predicted",
    )  # fmt: skip
    if tag:
        figure.add_annotation(
            text="<i>predicted</i>", showarrow=False, **edge, x=1, y=1, xanchor="right", yanchor="bottom",
            font={"size": 12, "color": ACCENT[theme]},
        )  # fmt: skip


def bar_length_um(extent_um: float) -> float:
    """The longest of 1, 2, 5, 10 ... um that is at most a fifth of the extent."""
    goal = max(extent_um / 5, 1e-6)
    power = 10.0 ** math.floor(math.log10(goal))
    return power * max(step for step in (1, 2, 5) if step * power <= goal * (1 + 1e-9))


def lay_map(figure: go.Figure, places: Places, theme: Theme, axis: str = "") -> None:
    low, span = places.box
    high = low + span
    sections = len(places.members) > 1
    # Half a line of text, on a telephone too, where a flat map is 100 px high.
    line = 0.06 * max(float(span[1]), float(span[0]) / 2)
    bar_y = float(high[1]) + line
    margin = 0.03 * float(span.max())
    top = float(low[1]) - (2 * line if sections else 0.0) - margin
    x = _HIDDEN | {"range": [float(low[0]) - margin, float(high[0]) + margin]}
    y = _HIDDEN | {"range": [bar_y + line, top], "scaleanchor": f"x{axis}", "scaleratio": 1,
                   "constraintoward": "top"}  # fmt: skip
    if axis:
        x["matches"], y["matches"] = "x", "y"
    figure.update_layout({f"xaxis{axis}": x, f"yaxis{axis}": y}, margin={"l": 24, "b": 24})
    length = bar_length_um(float(span[0]))
    text = f"{length / 1000:g} mm" if length >= 1000 else f"{length:g} µm"
    where = {"xref": f"x{axis}", "yref": f"y{axis}", "showarrow": False}
    figure.add_shape(
        type="line", xref=f"x{axis}", yref=f"y{axis}", x0=float(low[0]), x1=float(low[0]) + length, y0=bar_y, y1=bar_y,
        name="scale bar", line={"width": 3, "color": INK[theme]},
    )  # fmt: skip
    figure.add_annotation(
        text=text, x=float(low[0]) + length, y=bar_y, xanchor="left", yanchor="middle", xshift=4, font_size=12,
        name="scale bar", **where,
    )  # fmt: skip
    for name, rows in places.members.items() if sections else ():
        middle = float(np.nanmin(places.xy[rows, 0]) + np.nanmax(places.xy[rows, 0])) / 2
        figure.add_annotation(text=label(name), x=middle, y=float(low[1]), yanchor="bottom", **where, font_size=12)


def map_height(places: Places, width_px: float) -> int:
    span = places.box[1]
    return int(np.clip(width_px * 1.2 * span[1] / span[0], 180, 620)) + 100


def of_sections(places: Places) -> str:
    return f" in {len(places.members)} sections" if len(places.members) > 1 else ""


def _said(measure: Measure) -> str:
    low, high = measure.range
    kind = "predicted " if measure.predicted and "predicted" not in measure.title.lower() else ""
    return f"{kind}{measure.title}, from {number(low)} to {number(high)} {measure.unit}".rstrip()


def _pearson(left: np.ndarray, right: np.ndarray) -> float:
    both = np.isfinite(left) & np.isfinite(right)
    if both.sum() < 2 or np.ptp(left[both]) == 0 or np.ptp(right[both]) == 0:
        return 0.0
    return float(np.corrcoef(left[both], right[both])[0, 1])
