"""Comparator *knn*: the mean of the 50 nearest cells, by cosine on z-scored genes and with SpaGE's weights.

Unmeasured gene: the nearest cells of the reference. Unseen region: the nearest known cells of the tissue."""

from __future__ import annotations

import numpy as np

from backend.methods.imputation import Imputed
from backend.methods.reference.genes.adapter import Comparator, Learned, Task
from backend.methods.reference.genes.cards import KNN, KnnConfig
from backend.methods.reference.genes.scaled import KnownCells, Reference, nearest_weights, tissue_inputs, z_scores


def learn(task: Task) -> Learned:
    view = task.view
    assert isinstance(task.config, KnnConfig)
    cells = tissue_inputs(view)
    if view.known is None:
        source: Reference | KnownCells = Reference(view.reference)
        pool = z_scores(source.read(view.input_genes))
    else:
        source, pool = KnownCells(view), cells[view.known.rows]
    weights = nearest_weights(cells, pool, task.config.neighbours)

    def answer(genes: tuple[str, ...]) -> Imputed:
        values = np.asarray(weights @ source.read(genes))
        return Imputed(values, genes, units="reference" if view.known is None else "tissue")

    return Learned(answer)


METHOD = Comparator(KNN, learn)
