"""Groups of cells whose attention is looked at together: types, and niches of like predicted surroundings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NICHES = 6
FEWEST_IN_NICHE = 20  # on average
PARTS = 20  # principal components
RAISED = 2  # genes that name a niche


def balanced(types: NDArray[np.str_], count: int, seed: int) -> NDArray[np.intp]:
    """Rows of `count` cells, in rising order: of each type as many as of any other, or all that there are."""
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(types))
    names, code = np.unique(types[shuffled], return_inverse=True)
    turn = np.zeros(len(types), dtype=np.intp)
    for name in range(len(names)):
        turn[code == name] = np.arange(int((code == name).sum()))
    return np.sort(shuffled[np.argsort(turn, kind="stable")[:count]])


def predicted_niches(contexts: NDArray[np.floating], genes: tuple[str, ...], seed: int) -> NDArray[np.str_]:
    """A name for each of n cells, "niche 1: CXCR4, MS4A1": k-means of the standardised predictions (n x P), the largest
    group first, named by the genes that are raised most around its cells."""
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    sd = contexts.std(axis=0)
    standard = ((contexts - contexts.mean(axis=0)) / np.where(sd > 1e-9, sd, 1.0)).astype(np.float64)
    count = int(np.clip(len(contexts) // FEWEST_IN_NICHE, 1, NICHES))
    parts = PCA(min(PARTS, *standard.shape), random_state=seed).fit_transform(standard)
    group = KMeans(count, n_init=3, random_state=seed).fit_predict(parts)
    names = np.empty(len(group), dtype=object)
    for place, found in enumerate(np.argsort(-np.bincount(group, minlength=count), kind="stable"), start=1):
        raised = np.argsort(-standard[group == found].mean(axis=0), kind="stable")[:RAISED]
        names[group == found] = f"niche {place}: {', '.join(genes[gene] for gene in raised)}"
    return names.astype(str)
