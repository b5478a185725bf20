"""Cells painted into a small picture: each a disc that about touches its neighbours, their mean where they overlap.

Its cost is that of the picture, not of cells times genes: twelve maps in a page weigh as much as one of points.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.figures.points import Places

_PIXELS = 180


def paint(
    places: Places, columns: Sequence[NDArray[np.float32]], longest_px: int = _PIXELS
) -> list[NDArray[np.float32]]:
    """Each column (n cells) as a picture, height x width, its first row at the smallest y; NaN where no cell is."""
    low, extents = places.box
    width, height = (int(size) for size in np.maximum(1, np.ceil(longest_px * extents / extents.max())))
    inside = np.nan_to_num((places.xy - low) / extents) * [width - 1, height - 1]
    at = np.rint(inside).astype(np.intp)
    placed = np.isfinite(places.xy).all(axis=1)
    spacing = float(np.sqrt(width * height / max(len(at), 1)))
    discs = _disc(0.62 * spacing)
    return [_painted(at[rows], column[rows], discs, (height, width))
            for column in columns for rows in (placed & np.isfinite(column),)]  # fmt: skip


def _disc(radius_px: float) -> NDArray[np.intp]:
    """Steps right and down from the middle to each pixel of a disc."""
    reach = int(radius_px)
    steps = np.stack(np.meshgrid(*2 * [np.arange(-reach, reach + 1)]), axis=-1).reshape(-1, 2)
    return np.asarray(steps[(steps**2).sum(axis=1) <= max(radius_px, 0.5) ** 2])


def _painted(
    at: NDArray[np.intp], values: NDArray[np.float32], disc: NDArray[np.intp], shape: tuple[int, int]
) -> NDArray[np.float32]:
    height, width = shape
    total, count = np.zeros(height * width), np.zeros(height * width)
    for right, down in disc:
        x, y = at[:, 0] + right, at[:, 1] + down
        kept = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        pixel = y[kept] * width + x[kept]
        total += np.bincount(pixel, weights=values[kept], minlength=height * width)
        count += np.bincount(pixel, minlength=height * width)
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return np.asarray(mean.reshape(shape), dtype=np.float32)
