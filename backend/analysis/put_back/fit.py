"""How well a cell fits a place: canonical correlation between what a cell tells and what was measured around places.

A cell tells its predicted context and its own panel expression (principal components of both, u); a place tells its
measured context (v). Their canonical variables a, b (Hotelling 1936) are those pairs of directions that agree most. In
the Gaussian model behind them (Bach and Jordan 2005) the evidence that a cell came from a place is

    log p(u, v) / p(u) p(v) = sum_k (r_k a_k b_k - r_k^2 (a_k^2 + b_k^2) / 2) / (1 - r_k^2) + a constant,

so for one cell, over places: score_j = a' . b_j - h_j with a'_k = r_k a_k / (1 - r_k^2). It weighs each direction by
what it is worth: what the prediction gets wrong, or shrinks, counts for little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
RIDGE = 0.1  # of the mean variance, added to each before they are whitened
PAIRS = 8  # canonical variables at most
STRONGEST = 0.97  # a correlation above is not believed: the score divides by 1 - r^2


@dataclass(frozen=True)
class Components:
    """Principal components: (values - mean) @ basis. basis: columns x components, the first component of variance 1."""

    mean: NDArray[np.float64]
    basis: NDArray[np.float64]

    def of(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.asarray((values - self.mean) @ self.basis, dtype=np.float64)


def find_components(values: NDArray[np.floating], most: int) -> Components:
    """values: n x columns, finite. The covariance is decomposed, so the cost hardly grows with n."""
    from scipy.linalg import eigh

    centred = np.asarray(values, dtype=np.float64)
    mean = centred.mean(axis=0)
    centred = centred - mean
    n = centred.shape[1]
    variance, vectors = eigh(centred.T @ centred / len(centred), subset_by_index=[max(0, n - most), n - 1])
    largest = max(float(variance[-1]), 1e-12)
    kept = np.flatnonzero(variance > 1e-9 * largest)[::-1]
    kept = kept if len(kept) else np.array([len(variance) - 1])  # constant columns tell nothing, which is no fault
    return Components(mean, vectors[:, kept] / np.sqrt(largest))


@dataclass(frozen=True)
class Canonical:
    """strength: the canonical correlations r, falling. cell, place: components x pairs."""

    strength: NDArray[np.float64]
    cell_mean: NDArray[np.float64]
    cell: NDArray[np.float64]
    place_mean: NDArray[np.float64]
    place: NDArray[np.float64]

    def of_cells(self, told: NDArray[np.floating]) -> Floats:
        """a' of each cell, n x pairs."""
        weight = self.strength / (1 - self.strength**2)
        return np.asarray((told - self.cell_mean) @ self.cell * weight, dtype=np.float32)

    def of_places(self, measured: NDArray[np.floating]) -> tuple[Floats, Floats]:
        """b of each place, n x pairs, and its -h."""
        b = (measured - self.place_mean) @ self.place
        h = 0.5 * (b**2) @ (self.strength**2 / (1 - self.strength**2))
        return np.asarray(b, dtype=np.float32), np.asarray(-h, dtype=np.float32)


def find_canonical(told: NDArray[np.float64], measured: NDArray[np.float64]) -> Canonical:
    """told: n x p of cells whose places are known, measured: n x q of these places."""
    cell_mean, place_mean = told.mean(axis=0), measured.mean(axis=0)
    left, right = told - cell_mean, measured - place_mean
    whiten_left, whiten_right = _whiten(left), _whiten(right)
    shared = whiten_left @ (left.T @ right / len(left)) @ whiten_right
    to_cell, strength, to_place = np.linalg.svd(shared, full_matrices=False)
    kept = min(PAIRS, len(strength))
    return Canonical(
        np.minimum(strength[:kept], STRONGEST),
        cell_mean,
        whiten_left @ to_cell[:, :kept],
        place_mean,
        whiten_right @ to_place[:kept].T,
    )


def _whiten(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse square root of the covariance plus its ridge."""
    covariance = centred.T @ centred / len(centred)
    ridge = RIDGE * float(np.trace(covariance)) / len(covariance)
    values, vectors = np.linalg.eigh(covariance + max(ridge, 1e-12) * np.eye(len(covariance)))
    return np.asarray(vectors / np.sqrt(values) @ vectors.T, dtype=np.float64)
