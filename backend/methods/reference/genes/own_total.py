"""Comparator *own-total*: a cell's own depth, as the prediction for every gene. It shows how much of a score a cell's
depth alone can fake (methods.md §9.2)."""

from __future__ import annotations

import numpy as np

from backend.methods.imputation import Imputed, depths
from backend.methods.reference.genes.adapter import Comparator, Learned, Task
from backend.methods.reference.genes.cards import OWN_TOTAL


def learn(task: Task) -> Learned:
    total = np.log1p(depths(task.view.tissue)).astype(np.float32)[:, None]
    return Learned(lambda genes: Imputed(np.repeat(total, len(genes), axis=1), genes, units="arbitrary"))


METHOD = Comparator(OWN_TOTAL, learn)
