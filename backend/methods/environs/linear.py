"""The linear map beside the networks: ridge regression from a cell's reading to the components of its context."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backend.methods.contract import Floats

PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0)  # in units of the summed squares of all cells' readings


@dataclass(frozen=True)
class Linear:
    """weights: genes x rank; centre: genes; mean: rank."""

    weights: Floats
    centre: Floats
    mean: Floats

    def predict(self, inputs: Floats) -> Floats:
        """n x genes -> n x rank."""
        return np.asarray((inputs - self.centre) @ self.weights + self.mean, dtype=np.float32)

    def louder(self, factor: float) -> Linear:
        """The same map with its predictions spread `factor` times as far."""
        return Linear(self.weights * np.float32(factor), self.centre, self.mean)


def fit_linear(inputs: Floats, goals: Floats, penalties: tuple[float, ...]) -> list[Linear]:
    """One map for each penalty. inputs: n x genes; goals: n x rank."""
    centre, mean = inputs.mean(axis=0), goals.mean(axis=0)
    x, y = (inputs - centre).astype(np.float64), (goals - mean).astype(np.float64)
    unit = float(np.square(x).sum(axis=1).mean()) * len(x) or 1.0
    # The smaller of the two products: genes x genes, or cells x cells.
    few_genes = x.shape[1] <= x.shape[0]
    values, vectors = np.linalg.eigh(x.T @ x if few_genes else x @ x.T)
    values = np.maximum(values, 0.0)
    projected = vectors.T @ (x.T @ y if few_genes else y)
    maps = []
    for penalty in penalties:
        solved = vectors @ (projected / (values + penalty * unit)[:, None])
        weights = solved if few_genes else x.T @ solved
        maps.append(Linear(weights.astype(np.float32), centre, mean))
    return maps
