"""Comparator *ridge*: a linear map from z-scored expression to the leading components of the context. Its penalty and
how many components it keeps are chosen on strips of the training tissue, then it is fitted on all of it.

The components beyond the first ones are noise of single neighbourhoods: left in, they cost more than a tenth of the
median correlation on a thousand cells."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from backend.analysis.agreement import median_pearson
from backend.methods.contract import Floats
from backend.methods.reference.task import ContextTask

ALPHAS = (1e1, 1e2, 3e2, 1e3, 3e3, 1e4, 3e4, 1e5, 3e5, 1e6)
RANKS = (5, 10, 20, 40, 80)
USUAL = (1e4, 20)


def predict_context(task: ContextTask) -> Floats:
    """n_queries x panel, clipped to [0, 1]."""
    alpha, rank = USUAL
    if task.strips:
        # Scored within each strip: between strips the mean that was left out would decide.
        pairs = list(product(ALPHAS, RANKS))
        tried = np.zeros(len(pairs))
        for learn, check in task.strips:
            line = _Line(task, learn, task.inputs[check])
            tried += [median_pearson(task.contexts[check], line.values(*pair)) for pair in pairs]
        alpha, rank = pairs[int(np.argmax(tried))]
    return np.clip(_Line(task, slice(None), task.queries).values(alpha, rank), 0.0, 1.0)


class _Line:
    """Fits on some rows that answer for `queries`, at any penalty and rank: one eigendecomposition serves them all, of
    genes x genes, or of cells x cells where cells are fewer."""

    def __init__(self, task: ContextTask, rows: NDArray[np.intp] | slice, queries: Floats) -> None:
        inputs, contexts = task.inputs[rows], task.contexts[rows]
        centre, self._mean = inputs.mean(axis=0), contexts.mean(axis=0)
        centred, asked = (inputs - centre).astype(np.float64), queries - centre
        basis = np.linalg.svd(contexts - self._mean, full_matrices=False)[2][: max(RANKS)]
        self._basis, goals = basis, (contexts - self._mean) @ basis.T
        if centred.shape[1] <= centred.shape[0]:
            values, vectors = np.linalg.eigh(centred.T @ centred)
            self._goals, self._asked = vectors.T @ (centred.T @ goals), asked @ vectors
        else:
            values, vectors = np.linalg.eigh(centred @ centred.T)
            self._goals, self._asked = vectors.T @ goals, (asked @ centred.T) @ vectors
        self._power = np.maximum(values, 0.0)

    def values(self, alpha: float, rank: int) -> Floats:
        """n_queries x panel, not clipped."""
        found = self._asked @ (self._goals[:, :rank] / (self._power + alpha)[:, None])
        return np.asarray(found @ self._basis[:rank] + self._mean, dtype=np.float32)
