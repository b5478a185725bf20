"""Imputed genes whose truth is known: counts drawn from rates, and predictions of those rates, better or worse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backend.analysis.imputation.intervals import Column


@dataclass(frozen=True)
class Simulated:
    columns: list[Column]
    truth: list[np.ndarray]
    fold: list[int]
    block: np.ndarray


def simulate(seed: int = 0, n_cells: int = 300, n_genes: int = 100, folds: int = 5) -> Simulated:
    """Counts of a gene: Poisson at its rate times the cell's depth; a prediction knows the rate but for noise."""
    rng = np.random.default_rng(seed)
    depth = rng.lognormal(np.log(100), 0.5, n_cells)
    size = depth / np.median(depth)
    columns, truth = [], []
    for _ in range(n_genes):
        level = rng.normal(-1.8, 0.8)
        rate = np.exp(level + rng.normal(0, 0.7, n_cells))
        truth.append(np.log1p(rng.poisson(rate * size) / size))
        said = np.log1p(np.exp(np.log(rate) + rng.normal(0, 0.4, n_cells)))
        detection = float(1 - np.exp(-5 * rate).mean())
        columns.append(Column(said.astype(np.float32), depth, detection, float(np.log1p(rate).mean())))
    fold = [gene % folds for gene in range(n_genes)]
    return Simulated(columns, truth, fold, np.arange(n_cells) % 5)
