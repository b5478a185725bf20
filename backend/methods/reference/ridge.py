"""Comparator *ridge*: a linear map from z-scored expression to context. Its penalty is chosen on strips of the
training tissue, then it is fitted on all of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backend.analysis.agreement import median_pearson
from backend.methods.contract import Floats
from backend.methods.reference.task import ContextTask

ALPHAS = (3.0, 1e1, 3e1, 1e2, 3e2, 1e3, 3e3, 1e4, 3e4, 1e5)


def predict_context(task: ContextTask) -> Floats:
    """n_queries x panel, clipped to [0, 1]."""
    alpha = ALPHAS[len(ALPHAS) // 2]
    if task.strips:
        # Scored within each strip: between strips the mean that was left out would decide.
        tried = [
            [
                median_pearson(task.contexts[check], values)
                for values in _fit_from(task, learn, task.inputs[check], ALPHAS)
            ]
            for learn, check in task.strips
        ]
        alpha = ALPHAS[int(np.argmax(np.mean(tried, axis=0)))]
    (values,) = _fit_from(task, slice(None), task.queries, (alpha,))
    return np.clip(values, 0.0, 1.0)


def _fit_from(
    task: ContextTask, rows: NDArray[np.intp] | slice, queries: Floats, alphas: tuple[float, ...]
) -> list[Floats]:
    # One eigendecomposition serves every penalty: of genes x genes, or of cells x cells where cells are fewer.
    inputs, contexts = task.inputs[rows], task.contexts[rows]
    centre, mean = inputs.mean(axis=0), contexts.mean(axis=0)
    centred, goals, asked = (inputs - centre).astype(np.float64), contexts - mean, queries - centre
    if centred.shape[1] <= centred.shape[0]:
        values, vectors = np.linalg.eigh(centred.T @ centred)
        projected, scores = vectors.T @ (centred.T @ goals), asked @ vectors
    else:
        values, vectors = np.linalg.eigh(centred @ centred.T)
        projected, scores = vectors.T @ goals, (asked @ centred.T) @ vectors
    return [
        np.asarray(scores @ (projected / (np.maximum(values, 0.0) + alpha)[:, None]) + mean, dtype=np.float32)
        for alpha in alphas
    ]
