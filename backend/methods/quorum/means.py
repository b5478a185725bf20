"""How much of a gene the tissue should show, going by the reference: the relation is learnt on the input genes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.methods.contract import Cells, Floats
from backend.methods.imputation import log_tissue

FEWEST_GENES = 10  # below, every gene is given the inputs' mean
PENALTY = 0.1


@dataclass(frozen=True)
class ExpectedMeans:
    """log mean in the tissue = slope . facts of the gene in the reference, within `low` and `high`."""

    slope: NDArray[np.float64]
    low: float
    high: float

    @staticmethod
    def learn(tissue: Cells, level: Floats) -> ExpectedMeans:
        """Ridge regression over input genes. level: reference cells x input genes, log-normalised."""
        mean = log_tissue(tissue).mean(axis=0).astype(np.float64)
        known = mean > 0
        if known.sum() < FEWEST_GENES:
            middle = float(np.log(mean[known].mean())) if known.any() else -np.inf
            return ExpectedMeans(np.zeros(5), middle, middle)
        facts, goal = _facts(level)[known], np.log(mean[known])
        slope = np.linalg.solve(facts.T @ facts + PENALTY * np.eye(facts.shape[1]), facts.T @ goal)
        low, high = np.quantile(goal, [0.01, 0.99])
        return ExpectedMeans(slope, float(low), float(high))

    def of(self, level: Floats) -> NDArray[np.float64]:
        """Mean log1p expression in the tissue, one per gene. level: reference cells x genes."""
        return np.asarray(np.exp(np.clip(_facts(level) @ self.slope, self.low, self.high)))


def _facts(level: Floats) -> NDArray[np.float64]:
    mean = np.log(level.mean(axis=0, dtype=np.float64) + 1e-4)
    seen = np.log((level > 0).mean(axis=0) + 1e-4)
    return np.stack([np.ones_like(mean), mean, seen, mean**2 / 10, seen**2 / 10], axis=1)
