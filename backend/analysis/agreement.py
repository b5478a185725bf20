"""How well a prediction agrees with the truth, gene by gene (docs/methods.md, "Scores").

Population moments over cells. A gene whose truth is constant has no score (NaN); a constant prediction scores 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

_FLAT = 1e-7  # a standard deviation below this is constant: float32 noise of values in [0, 1]


def is_flat(values: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Per column of n x genes: whether it does not vary."""
    return np.asarray(np.std(values, axis=0, dtype=np.float64) < _FLAT)


def pearson(truth: NDArray[np.floating], prediction: NDArray[np.floating]) -> NDArray[np.float64]:
    """Per column of two n x genes arrays: cov / (sd sd)."""
    x = truth - truth.mean(axis=0, dtype=np.float64)
    y = prediction - prediction.mean(axis=0, dtype=np.float64)
    scale = np.sqrt(np.einsum("ij,ij->j", x, x) * np.einsum("ij,ij->j", y, y))
    flat = is_flat(prediction)
    result = np.divide(np.einsum("ij,ij->j", x, y), scale, out=np.zeros(x.shape[1]), where=(scale > 0) & ~flat)
    result[is_flat(truth)] = np.nan
    return np.asarray(result)


def spearman(truth: NDArray[np.floating], prediction: NDArray[np.floating]) -> NDArray[np.float64]:
    """Pearson of average ranks."""
    result = pearson(rankdata(truth, axis=0), rankdata(prediction, axis=0))
    result[is_flat(truth)] = np.nan
    result[is_flat(prediction) & ~is_flat(truth)] = 0.0
    return result


def median_pearson(truth: NDArray[np.floating], prediction: NDArray[np.floating]) -> float:
    """Median over the genes that have a score; 0 where none has."""
    values = pearson(truth, prediction)
    return float(np.nanmedian(values)) if np.isfinite(values).any() else 0.0


def ssim_li(truth: NDArray[np.floating], predicted: NDArray[np.floating]) -> NDArray[np.float64]:
    """SSIM as Li et al. 2022 take it (methods.md §6): each gene divided by its maximum, population moments, one global
    window, C1 = 1e-4, C2 = 9e-4."""
    return structural_similarity(_by_maximum(truth), _by_maximum(predicted), (1e-4, 9e-4), ddof=0)


def structural_similarity(
    x: NDArray[np.float64], y: NDArray[np.float64], constants: tuple[float, float], ddof: int
) -> NDArray[np.float64]:
    """Luminance times contrast times structure with C3 = C2 / 2: the two-factor form."""
    (c1, c2), (mx, my) = constants, (x.mean(axis=0), y.mean(axis=0))
    covariance = np.einsum("ij,ij->j", x - mx, y - my) / max(1, len(x) - ddof)
    light = (2 * mx * my + c1) / (mx**2 + my**2 + c1)
    return np.asarray(light * (2 * covariance + c2) / (x.var(axis=0) + y.var(axis=0) + c2))


def _by_maximum(values: NDArray[np.floating]) -> NDArray[np.float64]:
    top = values.max(axis=0).astype(np.float64)
    return np.asarray(values / np.where(top > 0, top, 1.0))
