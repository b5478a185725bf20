"""Kriging over genes: what measured genes say of one that was not measured, each as far as it is like it.

A tissue gene's profile along the cells' directions is a draw of a Gaussian process over genes whose covariance is the
genes' likeness. Given the measured genes, the best guess of another is a weighted vote of theirs, around their common
mean (ordinary kriging; Rasmussen & Williams 2006, eqs. 2.25, 2.26, 2.42 with a constant basis).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular

from backend.methods.contract import Floats


@dataclass(frozen=True)
class Votes:
    """solved: input genes x r, (K + noise)^-1 (measured - mean). mean: r. factor: K + noise's lower Cholesky factor."""

    solved: Floats
    mean: Floats
    factor: NDArray[np.float64]

    def of(self, likeness: Floats) -> Floats:
        """r x genes: the guessed profiles. likeness: input genes x genes."""
        return np.asarray(self.mean[:, None] + self.solved.T @ likeness, dtype=np.float32)

    def doubt(self, likeness: Floats, own: float) -> Floats:
        """Per gene the standard deviation that is left of the prior's, `own`: 0 settled, sqrt(own) nothing known."""
        half = solve_triangular(self.factor, likeness, lower=True)
        return np.asarray(np.sqrt(np.maximum(own - (half**2).sum(axis=0), 1e-6)), dtype=np.float32)


def hear(measured: Floats, likeness: Floats, noise: float) -> Votes:
    """measured: r x input genes. likeness: input genes x input genes. noise: of a measured gene, in units of its own
    likeness to itself (1)."""
    factor = cholesky(likeness.astype(np.float64) + noise * np.eye(len(likeness)), lower=True)
    ones = cho_solve((factor, True), np.ones(len(likeness)))
    mean = measured.astype(np.float64) @ ones / ones.sum()
    solved = cho_solve((factor, True), (measured - mean[:, None]).T)
    return Votes(solved.astype(np.float32), mean.astype(np.float32), factor)
