"""Does an imputed gene say more than the average of its cell type? What is left of it, and of the measured gene, once
type means and the cell's depth are taken away, must agree (docs/imputation/verdict.md, "Beyond the type")."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FEWEST_BLOCKS = 5
_FEWEST_CELLS = 10  # of a block
Floats = NDArray[np.floating]


def beyond_type(
    truth: Floats, imputed: Floats, types: NDArray[np.generic], log_depth: Floats, block: NDArray[np.integer]
) -> pd.DataFrame:
    """truth, imputed: n x genes, finite. types, log_depth, block: n. One row per gene, in order:

    beyond_type: Pearson correlation of both residuals (type means and a line in log depth taken out); NaN where the
    truth does not vary. p: one-sided test that it is above zero, with spatial blocks as the observations: the t of the
    blocks' sums of products. Cells side by side are alike, so that a test over cells would count them many times."""
    codes = np.unique(types.astype(str), return_inverse=True)[1]
    depth = _within(log_depth[:, None].astype(np.float64), codes)
    x, y = (_without(_within(values.astype(np.float64), codes), depth) for values in (truth, imputed))
    products = x * y
    scale = np.sqrt((x * x).sum(axis=0) * (y * y).sum(axis=0))
    flat = np.asarray(truth).std(axis=0) < 1e-9
    r = np.divide(products.sum(axis=0), scale, out=np.zeros(x.shape[1]), where=scale > 1e-9)
    r[flat] = np.nan
    return pd.DataFrame({"beyond_type": r, "p": np.where(np.isfinite(r), _block_p(products, block), np.nan)})


def adjusted(p: Floats) -> Floats:
    """Benjamini-Hochberg over the tests that could be made; NaN stays."""
    from scipy.stats import false_discovery_control

    found, known = np.full(len(p), np.nan), np.isfinite(p)
    if known.any():
        found[known] = false_discovery_control(p[known])
    return found


def _within(values: Floats, codes: NDArray[np.intp]) -> Floats:
    """values minus the mean of their type."""
    size = np.bincount(codes)
    means = np.stack([np.bincount(codes, weights=column) / size for column in values.T], axis=1)
    return np.asarray(values - means[codes])


def _without(values: Floats, given: Floats) -> Floats:
    power = float((given * given).sum())
    return np.asarray(values - given * ((given * values).sum(axis=0) / power)) if power > 0 else values


def _block_p(products: Floats, block: NDArray[np.integer]) -> Floats:
    from scipy.stats import t

    labels, codes, size = np.unique(block, return_inverse=True, return_counts=True)
    sums = np.zeros((len(labels), products.shape[1]))
    np.add.at(sums, codes, products)
    sums = sums[size >= _FEWEST_CELLS]
    if len(sums) < FEWEST_BLOCKS:
        return np.full(products.shape[1], np.nan)
    error = sums.std(axis=0, ddof=1) / np.sqrt(len(sums))
    statistic = np.divide(sums.mean(axis=0), error, out=np.zeros(sums.shape[1]), where=error > 0)
    return np.asarray(t.sf(statistic, len(sums) - 1))
