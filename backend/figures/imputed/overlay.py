"""Two or three genes in one map, mixed like inks on a light page and like lamps on a dark one.

The colours were searched on a grid for the largest smallest distance, in OKLab, between all mixtures and the ground,
for normal sight and under simulated protanopia, deuteranopia and tritanopia (Machado 2009).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from PIL.ImageColor import getrgb

from backend.figures.imputed.raster import paint
from backend.figures.maps import frame_predicted, lay_map, map_height, of_sections
from backend.figures.palette import GREY, Theme
from backend.figures.points import Measure, Places
from backend.figures.style import dress, label

MOST = 3
INKS: dict[tuple[Theme, int], tuple[str, ...]] = {
    ("light", 2): ("#0000AA", "#D48000"),
    ("light", 3): ("#00AAAA", "#8000D4", "#AAAA00"),
    ("dark", 2): ("#FF2AFF", "#00D400"),
    ("dark", 3): ("#FF0000", "#008000", "#0000FF"),
}
GROUND: dict[Theme, str] = {"light": "#E2E5E9", "dark": "#22272E"}
_STEPS = {2: 8, 3: 4}  # shades of each gene: 64 colours in all
_PAINTED_PX = 420


def blend(amounts: ArrayLike, theme: Theme) -> NDArray[np.uint8]:
    """amounts: n x 2 or n x 3, each 0 to 1. n x 3: red, green, blue."""
    given = np.asarray(amounts, dtype=np.float64)
    inks = np.array([getrgb(ink) for ink in INKS[theme, given.shape[1]]]) / 255
    ground = np.array(getrgb(GROUND[theme])) / 255
    if theme == "light":
        mixed = ground * np.prod(1 - given[:, :, None] * (1 - inks), axis=1)
    else:
        mixed = 1 - (1 - ground) * np.prod(1 - given[:, :, None] * inks, axis=1)
    return np.asarray(np.rint(255 * mixed), dtype=np.uint8)


def overlay(places: Places, genes: Sequence[Measure], title: str, theme: Theme = "light") -> go.Figure:
    """Two or three genes over the same cells, each from its 1 % (none of its ink) to its 99 % (all of it). In a dashed
    frame where any is predicted. Cells of which a gene is unknown are grey crosses."""
    genes = list(genes)[:MOST]
    steps = _STEPS[len(genes)]
    figure = go.Figure()
    shares = [np.clip((gene.values - gene.range[0]) / (gene.range[1] - gene.range[0]), 0, 1) for gene in genes]
    if places.many:
        low, extents = places.box
        code = _codes(paint(places, shares, _PAINTED_PX), steps)
        dx, dy = (float(step) for step in extents / code.shape[::-1])
        figure.add_heatmap(
            z=code, x0=float(low[0]) + dx / 2, dx=dx, y0=float(low[1]) + dy / 2, dy=dy, hoverinfo="skip",
            zsmooth=False, coloraxis="coloraxis",
        )  # fmt: skip
    else:
        total = np.sum(shares, axis=0)
        _add_unknown(figure, places, np.flatnonzero(~np.isfinite(total)))
        rows = np.argsort(total, kind="stable")[: int(np.isfinite(total).sum())]  # the strong on top, NaN come last
        figure.add_scattergl(
            x=places.xy[rows, 0], y=places.xy[rows, 1], mode="markers", showlegend=False,
            marker={"color": _codes(shares, steps)[rows], "coloraxis": "coloraxis", "size": places.point_px(640)},
            customdata=np.column_stack([gene.values for gene in genes])[rows],
            hovertemplate="<br>".join(f"{label(gene.title)} %{{customdata[{i}]:.3g}}" for i, gene in enumerate(genes))
            + "<extra></extra>",
        )  # fmt: skip
    lay_map(figure, places, theme)
    grades = np.array(list(itertools.product(np.arange(steps) / (steps - 1), repeat=len(genes))))
    figure.update_layout(
        coloraxis={"colorscale": _scale(blend(grades, theme)), "cmin": -0.5, "cmax": len(grades) - 0.5,
                   "showscale": False}, uirevision="map",
    )  # fmt: skip
    _key(figure, genes, theme)
    if any(gene.predicted for gene in genes):
        frame_predicted(figure, theme)
    names = ", ".join(f"{gene.title}{' (predicted)' if gene.predicted else ''}" for gene in genes)
    alt = f"{title}. Tissue map of {len(places.xy):,} cells{of_sections(places)}, in the mixed colours of {names}."
    return dress(figure, title, theme, alt=alt, height=map_height(places, 640))


def _add_unknown(figure: go.Figure, places: Places, rows: NDArray[np.intp]) -> None:
    if len(rows):
        figure.add_scattergl(
            x=places.xy[rows, 0], y=places.xy[rows, 1], mode="markers", name="no value", showlegend=False,
            marker={"color": GREY, "size": places.point_px(400), "opacity": 0.5, "symbol": "x-thin-open"},
            hovertemplate="no value<extra></extra>",
        )  # fmt: skip


def _codes(shares: Sequence[NDArray[np.float32]], steps: int) -> NDArray[np.float32]:
    """The number of the mixture, the first gene counting most; NaN where one is unknown."""
    code = np.zeros(shares[0].shape, dtype=np.float32)
    for share in shares:
        code = code * steps + np.rint(share * (steps - 1))
    return code.astype(np.float32)


def _scale(colours: NDArray[np.uint8]) -> list[tuple[float, str]]:
    steps = [f"rgb({red}, {green}, {blue})" for red, green, blue in colours]
    return [(edge / len(steps), step) for i, step in enumerate(steps) for edge in (i, i + 1)]


def _key(figure: go.Figure, genes: Sequence[Measure], theme: Theme) -> None:
    """The legend: each gene alone, and each mixture."""
    for many in range(1, len(genes) + 1):
        for held in itertools.combinations(range(len(genes)), many):
            colour = blend([[float(i in held) for i in range(len(genes))]], theme)[0]
            name = " + ".join(label(genes[i].title) for i in held)
            figure.add_scatter(
                x=[None], y=[None], mode="markers", name=name, showlegend=True,
                marker={"color": f"rgb({colour[0]}, {colour[1]}, {colour[2]})", "size": 11, "symbol": "square"},
            )  # fmt: skip
