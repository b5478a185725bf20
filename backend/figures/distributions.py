"""How a number is distributed: depth per cell, scores per gene, predictions on both sides of a threshold.

Bins and quartiles are counted here, so that a figure of a million cells is as small as one of a hundred.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from backend.figures.palette import GREY, NICHE_COLOURS, TYPE_COLOURS, Theme
from backend.figures.style import INK, dress, label, make_room, number

_BINS = 50


def histogram(
    values: ArrayLike, title: str, axis: str, theme: Theme = "light", *, logarithmic: bool = False, of: str = "cells"
) -> go.Figure:
    """One number per cell (or gene: `of`). `logarithmic`: equal bins of log10, for depth; zeros are then left out."""
    known = _known(values)
    drawn = known[known > 0] if logarithmic else known
    edges = _edges(np.log10(drawn) if logarithmic else drawn)
    if logarithmic and len(drawn):
        edges = 10.0**edges
        edges[0], edges[-1] = drawn.min(), drawn.max()  # rounding would lose the ends
    figure = go.Figure()
    _add_bars(figure, drawn, edges, TYPE_COLOURS[0])
    middle = float(np.median(known)) if len(known) else 0.0
    figure.update_layout(
        xaxis_title=label(axis),
        yaxis_title=of,
        bargap=0,
        showlegend=False,
        xaxis_type="log" if logarithmic else "linear",
    )
    if logarithmic:
        figure.update_xaxes(dtick="D2")
    if len(drawn):
        _add_line(figure, middle, f"median {number(middle)}", theme)
    without = f" {len(known) - len(drawn):,} at zero are not drawn." if len(known) > len(drawn) else ""
    alt = f"{title}. Histogram of {axis} over {len(known):,} {of}; median {number(middle)}.{without}"
    return dress(figure, title, theme, alt=alt, height=360)


def box_by_type(
    values: ArrayLike, types: ArrayLike, colours: Mapping[str, str], title: str, axis: str, theme: Theme = "light"
) -> go.Figure:
    """One number per cell, a box per type (quartiles, whiskers from 5 % to 95 %), the largest median on top."""
    numbers, names = np.asarray(values, dtype=np.float64), np.asarray(types).astype(str)
    groups = {str(name): _known(numbers[names == name]) for name in np.unique(names)}
    order = sorted((name for name in groups if len(groups[name])), key=lambda name: float(np.median(groups[name])))
    figure = go.Figure()
    for name in order:
        low, q1, middle, q3, high = np.quantile(groups[name], [0.05, 0.25, 0.5, 0.75, 0.95])
        figure.add_box(
            y=[f"{label(name)} ({len(groups[name]):,})"], lowerfence=[low], q1=[q1], median=[middle], q3=[q3],
            upperfence=[high], orientation="h", name=label(name), marker_color=colours.get(name, GREY), line_width=1.5,
        )  # fmt: skip
    figure.update_layout(xaxis_title=label(axis), showlegend=False, yaxis_showgrid=False)
    make_room(figure, (box.y[0] for box in figure.data))
    alt = f"{title}. Box plot of {axis} for {len(order)} cell types" + (
        f"; medians from {number(float(np.median(groups[order[0]])))} ({order[0]}) to "
        f"{number(float(np.median(groups[order[-1]])))} ({order[-1]})." if order else "."
    )  # fmt: skip
    return dress(figure, title, theme, alt=alt, height=150 + 26 * max(len(order), 3))


def score_histogram(
    scores: ArrayLike, method: str, medians: Mapping[str, float], title: str, theme: Theme = "light"
) -> go.Figure:
    """Per-gene scores (Pearson's r) of one method, with the median of each comparator on the same split as a line."""
    known = _known(scores)
    edges = _edges(known)
    figure = go.Figure()
    counts = _add_bars(figure, known, edges, TYPE_COLOURS[0], name=f"{method}, {len(known):,} genes")
    figure.data[0].opacity = 0.45
    own = float(np.median(known)) if len(known) else 0.0
    lines = {method: own} | {name: value for name, value in medians.items() if name != method}
    dashes = ("dash", "dot", "dashdot", "longdash", "longdashdot")
    top = float(counts.max()) if len(counts) else 1.0
    for place, (name, value) in enumerate(sorted(lines.items(), key=lambda item: -item[1])):
        mine = name == method
        figure.add_scatter(
            x=[value, value], y=[0, top * 1.06], mode="lines", name=f"{label(name)}: median {value:.3f}",
            line={"color": INK[theme] if mine else TYPE_COLOURS[(place % 12) + 1], "width": 3 if mine else 2,
                  "dash": "solid" if mine else dashes[place % len(dashes)]},
            hovertemplate="%{fullData.name}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(xaxis_title="Pearson’s r, per gene", yaxis_title="genes", bargap=0)
    others = ", ".join(f"{name} {value:.2f}" for name, value in lines.items() if name != method)
    alt = f"{title}. Histogram over {len(known):,} genes; median of {method} {own:.2f}" + (
        f"; {others}." if others else "."
    )
    return dress(figure, title, theme, alt=alt, height=400)


def threshold_histogram(
    values: ArrayLike, threshold: float, title: str, axis: str, theme: Theme = "light"
) -> go.Figure:
    """Predicted context of one type's cells, cut into isolated (below) and clustered (at or above the threshold)."""
    known = _known(values)
    edges = np.unique(np.append(_edges(known), threshold))  # the cut falls between two bars
    figure = go.Figure()
    groups = {"isolated": known[known < threshold], "clustered": known[known >= threshold]}
    for name, members in groups.items():
        _add_bars(figure, members, edges, NICHE_COLOURS[name], name=f"{name} ({len(members):,})")
    _add_line(figure, threshold, f"threshold {number(threshold)}", theme)
    figure.update_layout(xaxis_title=label(axis), yaxis_title="cells", bargap=0, barmode="overlay")
    alt = (
        f"{title}. Histogram of {axis} over {len(known):,} cells, cut at {number(threshold)}: "
        f"{len(groups['isolated']):,} isolated, {len(groups['clustered']):,} clustered."
    )
    return dress(figure, title, theme, alt=alt, height=380)


def _known(values: ArrayLike) -> NDArray[np.float64]:
    numbers = np.asarray(values, dtype=np.float64)
    return numbers[np.isfinite(numbers)]


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.histogram_bin_edges(values, bins=_BINS) if len(values) else np.array([0.0, 1.0])


def _add_bars(
    figure: go.Figure, values: NDArray[np.float64], edges: NDArray[np.float64], colour: str, name: str = ""
) -> NDArray[np.intp]:
    counts = np.histogram(values, bins=edges)[0]
    figure.add_bar(
        x=edges[:-1].astype(np.float32), width=np.diff(edges).astype(np.float32), y=counts, offset=0, name=label(name),
        marker={"color": colour, "line": {"width": 0}}, customdata=edges[1:].astype(np.float32),
        hovertemplate="%{x:.3g} to %{customdata:.3g}: %{y:,}<extra></extra>",
    )  # fmt: skip
    return counts


def _add_line(figure: go.Figure, value: float, text: str, theme: Theme) -> None:
    line = {"color": INK[theme], "width": 1.5, "dash": "dash"}
    figure.add_shape(type="line", x0=value, x1=value, y0=0, y1=1, yref="paper", line=line, name="line")
    at = np.log10(value) if figure.layout.xaxis.type == "log" and value > 0 else value
    figure.add_annotation(
        text=text, x=at, y=1, yref="paper", yanchor="bottom", showarrow=False, font_size=12, xanchor="left", xshift=4,
        yshift=-16,
    )  # fmt: skip
