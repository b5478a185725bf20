"""Comparator *type-mean*: k-means clusters of the training cells, and the mean context of the one a cell falls into.
Types are made here from the inputs, since a file's own labels may carry what is held out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backend.methods.contract import Floats
from backend.methods.reference.task import ContextTask

CLUSTERS = 15
COMPONENTS = 20  # of the z-scored genes: among thousands of genes clusters are those of the noise


def predict_context(task: ContextTask) -> Floats:
    """n_queries x panel, in [0, 1]."""
    labels, asked = types_of(task.inputs, task.queries, task.seed)
    overall = task.contexts.mean(axis=0)
    means = np.stack(
        [
            task.contexts[labels == cluster].mean(axis=0) if (labels == cluster).any() else overall
            for cluster in range(max(labels.max(), asked.max()) + 1)
        ]
    )
    return np.asarray(means[asked], dtype=np.float32)


def types_of(inputs: Floats, queries: Floats, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The cluster of each training cell, and of each cell asked about; fitted on the training cells alone."""
    from sklearn.cluster import KMeans
    from sklearn.utils.extmath import randomized_svd

    _, _, basis = randomized_svd(inputs, min(COMPONENTS, *inputs.shape), random_state=seed)
    model = KMeans(min(CLUSTERS, len(inputs)), n_init=5, random_state=seed).fit(inputs @ basis.T)
    return np.asarray(model.labels_, dtype=np.int64), np.asarray(model.predict(queries @ basis.T), dtype=np.int64)
