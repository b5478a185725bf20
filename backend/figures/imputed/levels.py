"""The same numbers seen another way: per 50-um bin, as ranks, as the mean of a cell's type. n cells in, n out."""

from __future__ import annotations

import numpy as np
import pandas as pd
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


def ranked(values: ArrayLike) -> Values:
    """Each cell's rank, from just above 0 (lowest) to 1 (highest). Equal values share their mean rank."""
    return pd.Series(np.asarray(values, dtype=np.float32)).rank(pct=True).to_numpy(dtype=np.float32)
