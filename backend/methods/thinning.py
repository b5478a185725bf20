"""Make a reference cell look as shallow as the tissue: Poisson thinning with a factor per gene (docs/methods.md).

A dissociated cell shows several times the genes that an imaged cell shows, and each platform favours other genes.
An encoder that never saw shallow cells fails on them, and the decoder's targets (1[x > 0]) would not mean the same
in both. So input and target of every training step come from one fresh draw,

    x_cg ~ Poisson(d_c . f_g . p_cg),

p the cell's expression as shares of its total (any scale: counts, TPM, normalised), f_g the factor that makes the mean
over the reference equal the tissue's, d_c a relative depth drawn from the tissue's own cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from backend.methods.contract import Cells, Floats

BISECTIONS = 40


@dataclass(frozen=True)
class Depth:
    """factors: (n_genes,), the expected count of a gene that is all of a cell. depths: relative, mean 1."""

    factors: Floats
    depths: Floats


def linear_shares(cells: Cells) -> csr_matrix:
    """Expression as shares of each cell's total: log is undone; empty cells stay empty. n_cells x n_genes, float32."""
    shares = cells.expression.astype(np.float32, copy=True)
    if cells.scale == "log":
        shares.data = np.expm1(shares.data)
    total = np.asarray(shares.sum(axis=1)).ravel()
    shares.data /= np.repeat(np.where(total > 0, total, 1.0), np.diff(shares.indptr)).astype(np.float32)
    return shares


def match_depth(shares: csr_matrix, tissue: csr_matrix, measured: np.ndarray, *, counts: bool) -> Depth:
    """The factors that make draws from `shares` (cells x genes) as deep as `tissue` (cells x measured genes).

    counts: match each gene's mean count; else its detection rate, all that a tissue without counts can tell.
    measured: the columns of `shares` that the tissue's columns are. The other genes take the median factor.
    """
    goal = np.asarray(tissue.mean(axis=0)).ravel()
    mean_share = np.asarray(shares[:, measured].mean(axis=0)).ravel()
    if counts:
        factor = np.divide(goal, mean_share, out=np.zeros(len(goal)), where=mean_share > 0)
        total = np.asarray(tissue.sum(axis=1)).ravel()
    else:
        detection = np.asarray((tissue > 0).mean(axis=0)).ravel()
        factor = _match_detection(shares[:, measured], detection)
        total = np.asarray((tissue > 0).sum(axis=1)).ravel()
    usual = np.median(factor[factor > 0]) if (factor > 0).any() else 0.0
    factors = np.full(shares.shape[1], usual, dtype=np.float32)
    factors[measured] = factor
    return Depth(factors, (total / max(total.mean(), 1e-9)).astype(np.float32))


def _match_detection(shares: csr_matrix, detection: np.ndarray) -> np.ndarray:
    """Solve mean_c(1 - exp(-f p_cg)) = detection_g for f by bisection of log f; a gene that cannot reach it takes
    the largest factor tried."""
    low, high = np.full(shares.shape[1], 0.0), np.full(shares.shape[1], 25.0)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        seen = shares.copy()
        seen.data = -np.expm1(-seen.data * np.exp(middle)[seen.indices])
        short = np.asarray(seen.mean(axis=0)).ravel() < detection
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return np.where(detection > 0, np.exp(high), 0.0)


def draw_thinned(shares: csr_matrix, depth: Depth, random: np.random.Generator) -> csr_matrix:
    """One Poisson draw of every row at a random depth: same shape, integers as float32."""
    drawn = shares.copy()
    depths = random.choice(depth.depths, size=shares.shape[0])
    rates = drawn.data * depth.factors[drawn.indices] * np.repeat(depths, np.diff(drawn.indptr))
    drawn.data = random.poisson(rates).astype(np.float32)
    drawn.eliminate_zeros()
    return drawn
