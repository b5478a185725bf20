"""The plain comparator: types by the nearest reference cells. It can neither say how sure it is nor miss a type."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.datasets.checks.columns import UNKNOWN
from backend.datasets.expression import log_normalise
from backend.methods.contract import Cells

NEIGHBOURS = 30
COMPONENTS = 30
_MOST_GENES = 2000
_BLOCK = 20_000  # cells that are made dense at a time
_CLIP = 10.0


def nearest_types(
    reference: Cells, types: NDArray[np.object_], query: Cells, seed: int = 0
) -> tuple[NDArray[np.object_], NDArray[np.float32]]:
    """Types of the query's cells by their nearest reference cells: k = 30, weighted by 1 / distance, among 30 principal
    components of the reference. Both hold the same genes; each is log-normalised over just these and z-scored on its
    own, so that a platform's sensitivity for a gene does not count.

    Returns n likeliest types and their n probabilities.
    """
    from sklearn.decomposition import PCA
    from sklearn.neighbors import KNeighborsClassifier

    if reference.genes != query.genes:
        raise ValueError("reference and query must hold the same genes, in order")
    known = np.asarray(types != UNKNOWN)
    base = log_normalise(reference.expression, reference.scale)[known]
    mean, spread = _moments(base)
    chosen = np.sort(np.argsort(-spread, kind="stable")[:_MOST_GENES])
    standard = _standardise(base[:, chosen], mean[chosen], spread[chosen])
    pca = PCA(min(COMPONENTS, *(size - 1 for size in standard.shape)), random_state=seed, svd_solver="randomized")
    neighbours = KNeighborsClassifier(min(NEIGHBOURS, len(standard)), weights="distance")
    neighbours.fit(pca.fit_transform(standard), types[known].astype(str))
    target = log_normalise(query.expression, query.scale)[:, chosen]
    mean, spread = _moments(target)
    shares = [
        neighbours.predict_proba(pca.transform(_standardise(target[start : start + _BLOCK], mean, spread)))
        for start in range(0, target.shape[0], _BLOCK)
    ]
    share = np.concatenate(shares)
    probability = share.max(axis=1).astype(np.float32)
    return neighbours.classes_[share.argmax(axis=1)].astype(object), probability


def _moments(values: csr_matrix) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    mean = np.asarray(values.mean(axis=0), dtype=np.float64).ravel()
    square = np.asarray(values.multiply(values).mean(axis=0), dtype=np.float64).ravel()
    return mean.astype(np.float32), np.sqrt(np.maximum(square - mean**2, 0.0)).astype(np.float32)


def _standardise(values: csr_matrix, mean: NDArray[np.float32], spread: NDArray[np.float32]) -> NDArray[np.float32]:
    scaled = (values.toarray() - mean) / np.where(spread > 0, spread, 1.0)
    return np.asarray(np.clip(scaled, -_CLIP, _CLIP), dtype=np.float32)
