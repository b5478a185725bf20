"""The same numbers seen another way: over 50-um bins, over types, dealt out in another order. n cells in, n out."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backend.figures.points import Places

BIN_UM = 50.0
Values = NDArray[np.float32]


def bins(places: Places, bin_um: float = BIN_UM) -> NDArray[np.intp]:
    """The square that each cell lies in, numbered from 0; none reaches across sections."""
    section = np.empty(len(places.xy), dtype=np.int64)
    for code, rows in enumerate(places.members.values()):
        section[rows] = code
    squares = np.floor((np.nan_to_num(places.xy) - places.box[0]) / bin_um).astype(np.int64)
    # One number per square: comparing whole rows would be ten times slower.
    wide, tall = squares.max(axis=0) + 2
    return np.unique((section * wide + squares[:, 0]) * tall + squares[:, 1], return_inverse=True)[1]


def group_mean(values: ArrayLike, group: ArrayLike) -> Values:
    """Each cell's mean over its group: bin or type. Unknown values do not count; a group without a known one is NaN."""
    numbers, codes = np.asarray(values, dtype=np.float64), np.unique(np.asarray(group), return_inverse=True)[1]
    known = np.isfinite(numbers)
    total = np.bincount(codes[known], weights=numbers[known], minlength=codes.max(initial=0) + 1)
    count = np.bincount(codes[known], minlength=codes.max(initial=0) + 1)
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return np.asarray(mean[codes], dtype=np.float32)


def in_order_of(values: ArrayLike, truth: ArrayLike) -> Values:
    """The numbers of `truth` dealt out in the order of `values`: the highest cell gets the highest number, and so on.
    Cells of equal value get the mean of what they would get, so that an order that is none shows none."""
    given, known = np.asarray(values, dtype=np.float64), np.isfinite(np.asarray(truth, dtype=np.float64))
    placed = np.isfinite(given)
    dealt = np.full(len(given), np.nan)
    if not (known.any() and placed.any()):
        return np.asarray(dealt, dtype=np.float32)
    numbers = np.sort(np.asarray(truth, dtype=np.float64)[known])
    at = (np.arange(placed.sum()) + 0.5) / placed.sum() * len(numbers) - 0.5  # as many cells as numbers: one each
    rows = np.flatnonzero(placed)[np.argsort(given[placed], kind="stable")]
    dealt[rows] = np.interp(at, np.arange(len(numbers)), numbers)
    dealt[placed] = group_mean(dealt[placed], given[placed])
    return np.asarray(dealt, dtype=np.float32)
