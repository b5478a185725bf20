"""Strips of a training tissue, on which settings are chosen: neighbours resemble each other, so cells drawn at random
would be checked on cells whose surroundings were learnt from."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from backend.analysis.context import REACH_SIGMAS

STRIPS = 5
MIN_STRIP_CELLS = 10


def buffer_um(sigma_um: float) -> float:
    return REACH_SIGMAS * sigma_um


def strips(
    coordinates_um: NDArray[np.floating], section: NDArray[np.integer] | None, sigma_um: float
) -> tuple[tuple[NDArray[np.intp], NDArray[np.intp]], ...]:
    """For choosing settings within training cells: (learn from, check on) for five strips along y, each section cut
    alike. Cells nearer to the strip than 3 sigma, or half its width where that is less, are in neither."""
    y = np.asarray(coordinates_um, dtype=np.float64)[:, 1]
    near = np.zeros((STRIPS, len(y)), dtype=bool)
    inside = np.zeros((STRIPS, len(y)), dtype=bool)
    for members in sections(section, len(y)):
        edges = np.quantile(y[members], np.linspace(0.0, 1.0, STRIPS + 1))
        for strip, (low, high) in enumerate(pairwise(edges)):
            gap = min(buffer_um(sigma_um), (high - low) / 2)
            last = strip == STRIPS - 1
            inside[strip, members] = (y[members] >= low) & ((y[members] < high) | last)
            near[strip, members] = (y[members] > low - gap) & (y[members] < high + gap)
    pairs = [(np.flatnonzero(~(out | own)), np.flatnonzero(own)) for out, own in zip(near, inside, strict=True)]
    return tuple((learn, check) for learn, check in pairs if min(len(learn), len(check)) >= MIN_STRIP_CELLS)


def sections(section: NDArray[np.integer] | None, n: int) -> list[NDArray[np.intp]]:
    if section is None:
        return [np.arange(n)]
    return [np.flatnonzero(section == label) for label in np.unique(section)]
