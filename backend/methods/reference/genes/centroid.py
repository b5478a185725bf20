"""Comparator *centroid*: each tissue cell takes the mean expression of the reference cluster most like it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backend.datasets.expression import leiden
from backend.methods.contract import Floats
from backend.methods.imputation import Imputed
from backend.methods.reference.genes.adapter import Comparator, Learned, Task
from backend.methods.reference.genes.cards import CENTROID, CentroidConfig
from backend.methods.reference.genes.scaled import LogColumns, reference_columns, tissue_inputs, z_scores

FEWEST = 5  # cells or genes that have clusters


def learn(task: Task) -> Learned:
    """Leiden clusters of the reference over all its genes; the nearest one by Pearson correlation, over the input
    genes, of the cell's z-scores with the mean z-scores of the cluster's cells."""
    view = task.view
    assert isinstance(task.config, CentroidConfig)
    reference = reference_columns(view)
    cluster = _clusters(task, reference)
    centroids = _means(z_scores(reference.read(view.input_genes)), cluster)
    nearest = np.argmax(_standard_rows(tissue_inputs(view)) @ _standard_rows(centroids).T, axis=1)
    return Learned(lambda genes: Imputed(_means(reference.read(genes), cluster)[nearest], genes))


def _clusters(task: Task, reference: LogColumns) -> NDArray[np.int64]:
    """One number per reference cell, from 0; a single cluster where cells are too few or too alike to be parted."""
    cells = task.view.reference
    if min(cells.expression.shape) < FEWEST or not reference.vary():
        return np.zeros(cells.n_cells, dtype=np.int64)
    assert isinstance(task.config, CentroidConfig)
    return leiden(cells.expression, cells.scale, task.config.resolution, task.seed)


def _means(values: Floats, cluster: NDArray[np.int64]) -> Floats:
    """clusters x genes."""
    return np.stack([values[cluster == k].mean(axis=0) for k in range(cluster.max() + 1)])


def _standard_rows(values: Floats) -> Floats:
    return z_scores(values.T).T


METHOD = Comparator(CENTROID, learn)
