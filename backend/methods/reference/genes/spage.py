"""Comparator *SpaGE* (Abdelaal et al., Nucleic Acids Research 2020), re-implemented from its facts (methods.md §5).

Principal vectors that tissue and reference share; the nearest reference cells in their space; their mean expression."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backend.methods.contract import Floats
from backend.methods.imputation import Imputed
from backend.methods.reference.genes.adapter import Comparator, Learned, Task
from backend.methods.reference.genes.cards import SPAGE, SpageConfig
from backend.methods.reference.genes.scaled import nearest_weights, reference_columns, tissue_inputs, z_scores

ALIKE = 0.3  # principal vectors whose cosine is above this are kept


def learn(task: Task) -> Learned:
    view = task.view
    assert isinstance(task.config, SpageConfig)
    reference = reference_columns(view)
    cells, pool = tissue_inputs(view), z_scores(reference.read(view.input_genes))
    wanted = task.config.vectors or min(len(view.input_genes) // 2, 100)
    shared = principal_vectors(cells, pool, wanted)
    weights = nearest_weights(cells @ shared, pool @ shared, task.config.neighbours)
    return Learned(lambda genes: Imputed(np.asarray(weights @ reference.read(genes)), genes))


def principal_vectors(tissue: Floats, reference: Floats, wanted: int) -> Floats:
    """inputs x kept: the reference's side of the pairs of principal vectors, from the SVD of the product of both
    sides' `wanted` principal components, with a cosine above 0.3; at least one."""
    count = max(1, min(wanted, *tissue.shape, *reference.shape))
    own, other = _components(tissue, count), _components(reference, count)
    left, cosine, _ = np.linalg.svd(other.T @ own)
    kept = max(1, int((cosine > ALIKE).sum()))
    return np.asarray((other @ left)[:, :kept], dtype=np.float32)


def _components(values: Floats, count: int) -> NDArray[np.float64]:
    """inputs x count: the leading principal components of z-scores."""
    exact = values.astype(np.float64)
    _, vectors = np.linalg.eigh(exact.T @ exact)
    return np.asarray(vectors[:, ::-1][:, :count])


METHOD = Comparator(SPAGE, learn)
