"""How decided an attention is (CASPER, section 2.6): numbers per cell from its weights over centroids."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def entropy(weights: NDArray[np.floating]) -> NDArray[np.float64]:
    """Per row, -sum a log a in nats: 0 where one centroid has all the weight, log K where all K have the same.

    weights: n x K, rows sum to 1. A row that is not finite gives NaN."""
    exact = weights.astype(np.float64)
    logs = np.log(exact, out=np.zeros_like(exact), where=exact > 0)
    return np.asarray(-(exact * logs).sum(axis=1))


def top2_gap(weights: NDArray[np.floating]) -> NDArray[np.float64]:
    """Per row, the largest weight minus the second; the weight itself where there is but one centroid. n x K."""
    if weights.shape[1] < 2:
        return np.asarray(weights.astype(np.float64).sum(axis=1))
    ranked = np.sort(weights.astype(np.float64), axis=1)
    return np.asarray(ranked[:, -1] - ranked[:, -2])
