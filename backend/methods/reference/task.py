"""What every comparator is given: pairs of (own expression, context) of training cells, and the cells to predict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from backend.methods.contract import Cells, Floats

CLIP = 10.0  # standard deviations: one odd cell must not bend a linear model


@dataclass(frozen=True)
class Unpaired:
    """Dissociated cells over the same genes. inputs: z-scored with their own mean and deviation, since they come from
    another platform. amounts: not in logarithms, at the training cells' median depth. Both n x genes."""

    inputs: Floats
    amounts: Floats


@dataclass(frozen=True)
class ContextTask:
    """One split. Rows of `inputs` and `contexts` are training cells, rows of `queries` and `own` the cells to predict.

    inputs, queries: n x genes, log-normalised, z-scored with the training cells' mean and deviation.
    contexts: n_train x panel, in [0, 1], without self-loop, computed among training cells only.
    own: n_queries x panel, 1 where the cell itself expresses the gene.
    strips: for choosing settings, pairs of training rows (learn from, check on); the checked cells form one strip of
    the tissue. May be empty.
    unpaired: for those that learn without pairs; None where none is asked for.
    """

    inputs: Floats
    contexts: Floats
    queries: Floats
    own: Floats
    strips: tuple[tuple[NDArray[np.intp], NDArray[np.intp]], ...]
    seed: int
    unpaired: Unpaired | None = None


class Scaling:
    """Log-normalisation and z-scores whose numbers all come from the training cells and the given genes alone."""

    def __init__(self, training: Cells) -> None:
        linear, totals = _linear(training)
        self._target = float(np.median(totals[totals > 0])) if (totals > 0).any() else 1.0
        values = self._log(linear, totals)
        self._mean = values.mean(axis=0)
        deviation = values.std(axis=0)
        self._flat = deviation <= 0  # of a gene that no training cell tells apart nothing can be learnt
        self._deviation = np.where(self._flat, 1.0, deviation)

    def apply(self, cells: Cells) -> Floats:
        """n_cells x n_genes, float32."""
        values = self._log(*_linear(cells))
        values -= self._mean
        values /= self._deviation
        values[:, self._flat] = 0.0
        return np.clip(values, -CLIP, CLIP, out=values)

    def unpaired(self, cells: Cells) -> Unpaired:
        """Other cells, to be learnt from without pairs."""
        linear, totals = _linear(cells)
        return Unpaired(Scaling(cells).apply(cells), self._levelled(linear, totals))

    def _log(self, linear: csr_matrix, totals: NDArray[np.float64]) -> NDArray[np.float32]:
        return np.log1p(self._levelled(linear, totals))

    def _levelled(self, linear: csr_matrix, totals: NDArray[np.float64]) -> NDArray[np.float32]:
        factor = np.divide(self._target, totals, out=np.zeros_like(totals), where=totals > 0)
        return np.asarray((diags(factor) @ linear).todense(), dtype=np.float32)


def _linear(cells: Cells) -> tuple[csr_matrix, NDArray[np.float64]]:
    # Library sizes from these genes alone: a total over all genes would tell of the ones left out (methods.md, trap 5).
    values = cells.expression.astype(np.float64)
    if cells.scale == "log":
        values = values.expm1()
    return values, np.asarray(values.sum(axis=1), dtype=np.float64).ravel()
