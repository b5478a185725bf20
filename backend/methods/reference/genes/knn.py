"""Comparator *knn*: the mean of the 50 nearest cells, by cosine on z-scored genes and with SpaGE's weights.

Unmeasured gene: the nearest cells of the reference. Unseen region: the nearest known cells of the tissue."""

from __future__ import annotations

import numpy as np

from backend.methods.imputation import Imputed
from backend.methods.reference.genes.adapter import Comparator, Learned, Task
from backend.methods.reference.genes.cards import KNN, KnnConfig
from backend.methods.reference.genes.scaled import Lesson, nearest_weights


def learn(task: Task) -> Learned:
    assert isinstance(task.config, KnnConfig)
    lesson = Lesson.of(task.view)
    weights = nearest_weights(lesson.asked, lesson.inputs, task.config.neighbours)
    columns, units = lesson.columns, lesson.units
    return Learned(lambda genes: Imputed(np.asarray(weights @ columns.read(genes)), genes, units=units))


METHOD = Comparator(KNN, learn)
