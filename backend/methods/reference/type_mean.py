"""Comparator *type-mean*: k-means clusters of the training cells, and the mean context of the one a cell falls into.
Types are made here from the inputs, since a file's own labels may carry what is held out."""

from __future__ import annotations

import numpy as np

from backend.methods.contract import Floats
from backend.methods.reference.task import ContextTask

CLUSTERS = 15


def predict_context(task: ContextTask) -> Floats:
    """n_queries x panel, in [0, 1]."""
    from sklearn.cluster import MiniBatchKMeans

    count = min(CLUSTERS, len(task.inputs))
    model = MiniBatchKMeans(count, n_init=5, batch_size=1024, random_state=task.seed).fit(task.inputs)
    overall = task.contexts.mean(axis=0)
    means = np.stack(
        [
            task.contexts[model.labels_ == cluster].mean(axis=0) if (model.labels_ == cluster).any() else overall
            for cluster in range(count)
        ]
    )
    return np.asarray(means[model.predict(task.queries)], dtype=np.float32)
