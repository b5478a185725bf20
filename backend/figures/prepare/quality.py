"""Quality of cells: how a measure is distributed and where it is cut, and what was drawn on a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from backend.figures.palette import GREY, TYPE_COLOURS, Theme
from backend.figures.style import GROUND, INK, dress, label, number

KEPT = "kept"
# Strong colours for the reasons why a cell is dropped, vermilion first; grey is what stays.
REASON_COLOURS = ("#D55E00", "#0072B2", "#B42D87", "#E69F00", "#5A3CB4", "#009E73", "#784B4B", "#B40000")
_BINS = 32  # whole counts fall into bins evenly, but for the smallest
_HEIGHT = 130
_FEWEST_TICKS = 3


def reason_colours(rules: Sequence[str]) -> dict[str, str]:
    """A colour for each rule, and grey for what is kept."""
    return {KEPT: GREY} | {rule: REASON_COLOURS[i % len(REASON_COLOURS)] for i, rule in enumerate(rules)}


def cut_histogram(
    values: ArrayLike, ends: tuple[float | None, float | None], title: str, theme: Theme = "light", *, skewed: bool
) -> go.Figure:
    """A small histogram over the slider that cuts it: bars beyond the ends in the colour of what is dropped.

    skewed: equal bins of log10 (zeros stand in the first); else the values are shares."""
    numbers = np.asarray(values, dtype=np.float64)
    known = numbers[np.isfinite(numbers)]
    drawn = np.log10(np.maximum(known, _least(known))) if skewed else known
    low, high = (float(drawn.min()), float(drawn.max())) if len(drawn) else (0.0, 1.0)
    edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
    counts = np.histogram(drawn, bins=edges)[0]
    middles = (edges[:-1] + edges[1:]) / 2
    least, most = (None if end is None else (np.log10(max(end, 1e-9)) if skewed else end) for end in ends)
    out = (middles < (-np.inf if least is None else least)) | (middles > (np.inf if most is None else most))
    shown = 10**edges if skewed else edges
    figure = go.Figure()
    figure.add_bar(
        x=middles.astype(np.float32), y=counts, width=float(edges[1] - edges[0]),
        marker={"color": np.where(out, REASON_COLOURS[0], TYPE_COLOURS[0]).tolist(), "line": {"width": 0}},
        customdata=np.column_stack([shown[:-1], shown[1:]]).astype(np.float32),
        hovertemplate="%{customdata[0]:.3g} to %{customdata[1]:.3g}: %{y:,} cells<extra></extra>",
    )  # fmt: skip
    for end in (least, most):
        if end is not None:
            figure.add_vline(x=end, line={"color": INK[theme], "width": 1.5, "dash": "dash"})
    figure.update_layout(
        bargap=0, showlegend=False, uirevision=title, margin={"l": 8, "r": 8, "t": 6, "b": 26},
        yaxis={"visible": False, "fixedrange": True},
        xaxis={"fixedrange": True, "showgrid": False, "title": None, **_ticks(low, high, skewed)},
    )  # fmt: skip
    told = " and ".join(number(end) for end in ends if end is not None)
    alt = f"{title}. Histogram over {len(known):,} cells" + (f", cut at {told}." if told else ", not cut.")
    dress(figure, "", theme, alt=alt, height=_HEIGHT)
    return figure.update_layout(title=None, margin_t=6)


def _least(known: np.ndarray) -> float:
    """Where zeros are put on a log axis: at half of the smallest value above."""
    positive = known[known > 0]
    return float(positive.min()) / 2 if len(positive) else 1.0


def _ticks(low: float, high: float, skewed: bool) -> dict[str, object]:
    if not skewed:
        return {"tickformat": ".0%" if high - low > 0.04 else ".1%", "nticks": 5}
    powers = range(int(np.floor(low)), int(np.ceil(high)) + 1)
    values: list[float] = []
    for steps in ((1,), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8)):
        values = [step * 10.0**power for power in powers for step in steps]
        values = [value for value in values if low - 0.02 <= np.log10(value) <= high + 0.02]
        if len(values) >= _FEWEST_TICKS:
            break
    return {"tickvals": np.log10(values).tolist(), "ticktext": [f"{value:,.4g}" for value in values]}


def outline(figure: go.Figure, drawn: Mapping[str, Sequence[Sequence[float]]], theme: Theme) -> go.Figure:
    """Named polygons over a map. drawn: name -> corners, as the map's own axes count them."""
    for name, corners in drawn.items():
        x, y = np.asarray([*corners, corners[0]], dtype=np.float32).T
        figure.add_scatter(
            x=x, y=y, mode="lines", showlegend=False, hoverinfo="skip", line={"color": INK[theme], "width": 2}
        )
        figure.add_annotation(
            text=label(name), x=float(x.mean()), y=float(y.min()), yanchor="bottom", showarrow=False,
            bgcolor=GROUND[theme], opacity=0.9, font={"size": 12},
        )  # fmt: skip
    return figure
