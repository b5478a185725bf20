"""Panel expression of dissociated cells, as shallow as the tissue shows it.

A dissociated cell shows several times the transcripts that an imaged one shows, and each platform favours other genes.
So that both can be compared, each reference cell is drawn anew: x_g ~ Poisson(d . f_g . p_g), p its shares of the
panel, f_g the factor that gives the gene the tissue's mean count, d the relative depth of a random tissue cell. Where
the tissue holds no counts, nothing is drawn: only the factors are applied.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from backend.datasets.expression import linear
from backend.records import Scale

Floats = NDArray[np.float32]


def shares(values: csr_matrix, scale: Scale) -> csr_matrix:
    """Each cell's expression as shares of its own total. n x genes; empty cells stay empty."""
    plain = csr_matrix(linear(values, scale), dtype=np.float64)
    total = np.asarray(plain.sum(axis=1)).ravel()
    return csr_matrix(diags(np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)) @ plain)


def log_scaled(values: csr_matrix, scale: Scale, target: float) -> Floats:
    """log1p of each cell scaled to `target` in all. Dense, n x genes."""
    dense = shares(values, scale).toarray()
    return np.asarray(np.log1p(dense * target), dtype=np.float32)


def middle_total(values: csr_matrix, scale: Scale) -> float:
    """The median total of the cells that show anything; 1 where none does."""
    totals = np.asarray(linear(values, scale).sum(axis=1)).ravel()
    return float(np.median(totals[totals > 0])) if (totals > 0).any() else 1.0


def match_factors(reference: csr_matrix, tissue: csr_matrix) -> NDArray[np.float64]:
    """Per gene the mean of the tissue over the mean share in the reference; 0 where the reference never shows it."""
    goal = np.asarray(tissue.mean(axis=0)).ravel()
    known = np.asarray(reference.mean(axis=0)).ravel()
    return np.asarray(np.divide(goal, known, out=np.zeros(len(goal)), where=known > 0), dtype=np.float64)


def draw_alike(
    reference: csr_matrix, factors: NDArray[np.float64], depths: NDArray[np.float64], random: np.random.Generator
) -> csr_matrix:
    """One draw of every cell at the depth of a random one of `depths` (relative, mean 1)."""
    drawn = reference.copy()
    rates = drawn.data * factors[drawn.indices]
    rates *= np.repeat(random.choice(depths, size=drawn.shape[0]), np.diff(drawn.indptr))
    drawn.data = random.poisson(rates).astype(np.float64)
    drawn.eliminate_zeros()
    return drawn


def alike(
    reference: csr_matrix, scale: Scale, tissue: csr_matrix, tissue_scale: Scale, seed: int
) -> Iterator[csr_matrix]:
    """Endless draws of the reference's cells as the tissue would show them, both over the panel."""
    random = np.random.default_rng(seed)
    plain, goal = shares(reference, scale), csr_matrix(linear(tissue, tissue_scale))
    factors = match_factors(plain, goal)
    total = np.asarray(goal.sum(axis=1), dtype=np.float64).ravel()
    while True:
        if tissue_scale == "counts":
            yield draw_alike(plain, factors, total / max(float(total.mean()), 1e-9), random)
        else:
            yield csr_matrix(plain @ diags(factors))
