"""Cells as points: the traces under tissue maps and embeddings.

Up to 100,000 cells one WebGL trace per group; above that a picture of their means or commonest types (2 MB, not 20;
seconds, not half a minute) under a sample of invisible points, which answer to selection. The picture is a
two-dimensional histogram of NumPy: nothing is compiled in the pages' process.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from backend.figures.palette import DIVERGING, GREY, SEQUENTIAL, Theme
from backend.figures.style import label

MOST_POINTS = 100_000
TURNS = 8  # pieces in which few groups are drawn by turns
_SAMPLED = 20_000
_PIXELS = 1_100


@dataclass(frozen=True)
class Places:
    """Where cells are drawn. x, y: n cells, um for a tissue. section: n names, or None."""

    x: ArrayLike
    y: ArrayLike
    section: ArrayLike | None = None
    upright: bool = False  # True: y grows upwards, as in an embedding; a tissue's grows downwards, as in its image
    panels: int = 1  # how often one figure draws them

    @cached_property
    def xy(self) -> NDArray[np.float32]:
        """n x 2; sections stand side by side, each by the top left corner of its cells, with gaps between."""
        xy = np.column_stack([np.asarray(self.x), np.asarray(self.y)]).astype(np.float32)
        left = 0.0
        for members in self.members.values():
            if len(self.members) > 1:
                xy[members] -= np.nanmin(xy[members], axis=0)
                xy[members, 0] += left
                wide, tall = np.nanmax(xy[members], axis=0) - np.nanmin(xy[members], axis=0)
                left += float(wide) + 0.06 * float(max(wide, tall))
        return xy

    @cached_property
    def box(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The smallest x and y, and the extents (never 0). Cells without a place do not count."""
        low = np.nanmin(self.xy, axis=0)
        return low, np.maximum(np.nanmax(self.xy, axis=0) - low, 1e-6)

    @cached_property
    def members(self) -> dict[str, NDArray[np.intp]]:
        """Section name -> its rows, by name."""
        if self.section is None:
            return {"": np.arange(len(np.asarray(self.x)))}
        names = np.asarray(self.section).astype(str)
        return {str(name): np.flatnonzero(names == name) for name in np.unique(names)}

    @property
    def many(self) -> bool:
        """Too many to draw each as a point."""
        return len(self.xy) * self.panels > MOST_POINTS

    def point_px(self, width_px: float) -> float:
        """A marker size at which neighbouring cells about touch in a plot of this width."""
        extents = self.box[1]
        spacing = np.sqrt(float(extents.prod()) / max(len(self.xy), 1))
        return float(np.clip(0.85 * spacing * width_px / float(extents.max()), 1.4, 11.0))


@dataclass(frozen=True)
class Measure:
    """Numbers to colour by. `title` and `unit` head the colour bar. `predicted`: not a measurement, and drawn as such.
    `limits`: the colour range; by default 1 % to 99 % of the numbers. `diverging`: symmetrical about 0."""

    numbers: ArrayLike
    title: str
    unit: str = ""
    predicted: bool = False
    diverging: bool = False
    limits: tuple[float, float] | None = None

    @cached_property
    def values(self) -> NDArray[np.float32]:
        return np.asarray(self.numbers, dtype=np.float32)

    @property
    def range(self) -> tuple[float, float]:
        if self.limits is not None:
            return self.limits
        known = self.values[np.isfinite(self.values)]
        if not len(known):
            return (0.0, 1.0)
        if self.diverging:
            reach = float(np.quantile(np.abs(known), 0.99)) or 1.0
            return (-reach, reach)
        low, high = (float(end) for end in np.quantile(known, [0.01, 0.99]))
        return (low, high) if high > low else (low, low + 1.0)

    def scale(self, theme: Theme) -> str | list[tuple[float, str]]:
        return DIVERGING[theme] if self.diverging else SEQUENTIAL

    @property
    def heading(self) -> str:
        return label(self.title) + (f"<br>({label(self.unit)})" if self.unit else "")


def add_types(
    figure: go.Figure, places: Places, types: NDArray[np.str_], colours: dict[str, str], size_px: float
) -> None:
    """One trace per type; greys first, then from common to rare, so that the rare are not buried."""
    names, counts = np.unique(types, return_counts=True)
    order = sorted(zip(names, counts), key=lambda pair: (colours.get(pair[0], GREY) != GREY, -pair[1]))
    many = places.many
    if many:
        codes = np.searchsorted(names, types)
        picture = _commonest(places, codes, len(names))
        steps = [(edge / len(names), colours.get(name, GREY)) for i, name in enumerate(names) for edge in (i, i + 1)]
        add_picture(figure, places, picture, colorscale=steps, zmin=-0.5, zmax=len(names) - 0.5, showscale=False)
    for name, piece, pieces in _in_turns([name for name, _ in order], colours, many):
        rows = np.flatnonzero(types == name)[piece::pieces]
        shown = _sample(rows, len(types)) if many else rows
        figure.add_scattergl(
            x=places.xy[shown, 0], y=places.xy[shown, 1], customdata=shown.astype(np.int32), mode="markers",
            name=label(name), legendrank=int(np.searchsorted(names, name)) + 1,
            legendgroup=label(name) if pieces > 1 else None, showlegend=piece == 0,
            marker={"color": colours.get(name, GREY), "size": size_px}, opacity=0.0 if many else None,
            hovertemplate="%{fullData.name}<br>cell %{customdata:,}<extra></extra>",
        )  # fmt: skip
        if many:  # an invisible point has an invisible legend entry
            figure.data[-1].showlegend = False
            figure.add_scatter(
                x=[None], y=[None], mode="markers", name=label(name), legendrank=figure.data[-1].legendrank,
                marker={"color": colours.get(name, GREY), "size": 9},
            )  # fmt: skip


def _in_turns(order: list[str], colours: dict[str, str], many: bool) -> list[tuple[str, int, int]]:
    """(type, piece, pieces) in drawing order. Two or three coloured groups are drawn in turns, a piece of each at a
    time: in a tight cluster the last one would hide the others."""
    coloured = [name for name in order if colours.get(name, GREY) != GREY]
    pieces = TURNS if 1 < len(coloured) <= 3 and not many else 1
    grey = [(name, 0, 1) for name in order if name not in coloured]
    return grey + [(name, piece, pieces) for piece in range(pieces) for name in coloured]


def add_values(
    figure: go.Figure, places: Places, measure: Measure, theme: Theme, size_px: float, *, axis: str = "", bar: str = ""
) -> None:
    """One trace coloured through the layout's `coloraxis<bar>`, on axes x<axis>, y<axis>. Unknown values are grey."""
    values, known = measure.values, np.isfinite(measure.values)
    known &= np.isfinite(places.xy).all(axis=1)
    many = places.many
    if many:
        add_picture(figure, places, _mean(places, values), axis, coloraxis=f"coloraxis{bar}")
    where = {"xaxis": f"x{axis}", "yaxis": f"y{axis}", "mode": "markers", "showlegend": False}
    if not known.all() and not many:
        rows = np.flatnonzero(~known)
        figure.add_scattergl(
            x=places.xy[rows, 0], y=places.xy[rows, 1], customdata=rows.astype(np.int32), **where, name="no value",
            marker={"color": GREY, "size": size_px, "opacity": 0.4},
            hovertemplate="no value<br>cell %{customdata:,}<extra></extra>",
        )  # fmt: skip
    rows = np.flatnonzero(known)
    rows = _sample(rows, len(values)) if many else rows
    rows = rows[np.argsort(values[rows], kind="stable")] if not measure.diverging else rows  # high values on top
    figure.add_scattergl(
        x=places.xy[rows, 0], y=places.xy[rows, 1], customdata=rows.astype(np.int32), **where,
        name=label(measure.title), opacity=0.0 if many else None,
        marker={"color": values[rows], "coloraxis": f"coloraxis{bar}", "size": size_px},
        hovertemplate="%{marker.color:.3g}<br>cell %{customdata:,}<extra></extra>",
    )  # fmt: skip


def colour_axis(measure: Measure, theme: Theme, **bar: object) -> dict[str, object]:
    """The layout's coloraxis for a measure."""
    low, high = measure.range
    bar = {"title": measure.heading, **bar}
    return {"colorscale": measure.scale(theme), "cmin": low, "cmax": high, "colorbar": bar}


def _sample(rows: NDArray[np.intp], total: int) -> NDArray[np.intp]:
    return rows[:: max(1, total // _SAMPLED)]


def _pixels(places: Places) -> tuple[NDArray[np.intp], int, int]:
    """Per cell the pixel it falls in, row by row from the smallest y, and the picture's height and width.

    As coarse as keeps about two cells to a pixel: a finer picture would show speckles instead of tissue."""
    low, extents = places.box
    longest = min(_PIXELS, int(np.sqrt(len(places.xy) / 2 * extents.max() / extents.min())) + 1)
    width, height = (int(size) for size in np.maximum(1, np.ceil(longest * extents / extents.max())))
    inside = np.nan_to_num((places.xy - low) / extents) * [width, height]
    column, row = np.minimum(inside, [width - 1, height - 1]).astype(np.intp).T
    return row * width + column, height, width


def _mean(places: Places, values: NDArray[np.float32]) -> NDArray[np.float64]:
    """height x width: the mean of the known values in each pixel, NaN where there is none."""
    pixel, height, width = _pixels(places)
    known = np.isfinite(values) & np.isfinite(places.xy).all(axis=1)
    total = np.bincount(pixel[known], weights=values[known], minlength=height * width)
    count = np.bincount(pixel[known], minlength=height * width)
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return np.asarray(mean.reshape(height, width))


def _commonest(places: Places, codes: NDArray[np.intp], groups: int) -> NDArray[np.float64]:
    """height x width: the commonest code in each pixel, NaN where there is no cell."""
    pixel, height, width = _pixels(places)
    placed = np.isfinite(places.xy).all(axis=1)
    best, most = np.full(height * width, np.nan), np.zeros(height * width, dtype=np.int64)
    for code in range(groups):
        count = np.bincount(pixel[placed & (codes == code)], minlength=height * width)
        best, most = np.where(count > most, code, best), np.maximum(count, most)
    return best.reshape(height, width)


def add_picture(
    figure: go.Figure, places: Places, picture: NDArray[np.float64], axis: str = "", **colours: object
) -> None:
    """`picture`: height x width, its first row at the smallest y."""
    low, extents = places.box
    dx, dy = (float(step) for step in extents / picture.shape[::-1])
    figure.add_heatmap(
        z=picture.astype(np.float32), x0=float(low[0]) + dx / 2, dx=dx, y0=float(low[1]) + dy / 2, dy=dy,
        xaxis=f"x{axis}", yaxis=f"y{axis}", hoverinfo="skip", zsmooth=False, **colours,
    )  # fmt: skip
