"""Groups of like cells in the tissue: what is seen in many cells together is seen far more surely than in one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.datasets.expression import log_normalise

BLOCK = 20_000  # cells worked on at a time
CELLS_PER_GROUP = 20  # at least, on average
USUAL_GROUPS, CELLS_PER_FURTHER_GROUP = 40, 5_000
COMPONENTS, ROUNDS = 30, 10
PRIOR_COUNTS = 50.0  # of the tissue's mean, added to each group's: few counts tell little
ALIKE = 0.5  # nats per count between profiles that are hardly of one kind
_CLIP = 10.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Groups:
    """group: n cells, 0 for the largest. counts: groups x genes, summed. mean: genes, the tissue's mean profile."""

    group: NDArray[np.int64]
    counts: Floats
    mean: Floats

    @property
    def names(self) -> NDArray[np.object_]:
        """ "group 1" is the largest."""
        width = len(str(len(self.counts)))
        return np.array([f"group {i + 1:0{width}d}" for i in range(len(self.counts))], dtype=object)

    @property
    def profiles(self) -> Floats:
        """groups x genes; each sums to one."""
        padded = self.counts + PRIOR_COUNTS * self.mean
        return np.asarray(padded / padded.sum(axis=1, keepdims=True))

    @property
    def middle(self) -> Floats:
        """genes: the mean of the groups' profiles, each kind of group counting alike."""
        return np.asarray(np.average(self.profiles, axis=0, weights=voices(self.profiles)))

    def membership(self, counts: csr_matrix) -> Floats:
        """The probability of each group for some cells, were each drawn from its group's profile: cells x groups."""
        sizes = np.bincount(self.group, minlength=len(self.counts))
        return softmax(counts @ np.log(self.profiles).T + np.log(sizes / sizes.sum()))


def group_cells(counts: csr_matrix, seed: int) -> Groups:
    """k-means on the principal components of (at most 20,000) log-normalised cells, then rounds of giving every cell to
    the group that it is likeliest to be drawn from (a multinomial mixture, hard): k-means alone splits by depth."""
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    n_cells = counts.shape[0]
    number = int(np.clip(n_cells // CELLS_PER_GROUP, 1, USUAL_GROUPS + n_cells // CELLS_PER_FURTHER_GROUP))
    mean = mean_profile(counts)
    if number == 1:
        return _by_size(counts, np.zeros(n_cells, dtype=np.int64), mean)
    rng = np.random.default_rng(seed)
    some = np.sort(rng.permutation(n_cells)[:BLOCK])
    sample = counts[some]
    dense = log_normalise(sample, "counts").toarray()
    dense = np.clip((dense - dense.mean(axis=0)) / np.maximum(dense.std(axis=0), 1e-6), -_CLIP, _CLIP)
    pca = PCA(min(COMPONENTS, *(max(size - 1, 1) for size in dense.shape)), svd_solver="randomized", random_state=seed)
    label = KMeans(number, n_init=3, random_state=seed).fit_predict(pca.fit_transform(dense))
    for _ in range(ROUNDS):
        groups = Groups(label, _sums(sample, label, number), mean)
        label = _likeliest(groups, sample)
    groups = Groups(label, _sums(sample, label, number), mean)
    return _by_size(counts, _likeliest(groups, counts), mean)


def voices(profiles: Floats) -> Floats:
    """How much each profile counts where all kinds are to count alike: profiles that resemble each other share one
    voice."""
    logs = np.log(profiles)
    itself = (profiles * logs).sum(axis=1)
    apart = itself[:, None] - profiles @ logs.T  # Kullback-Leibler, nats
    return np.asarray(1 / np.exp(-(apart + apart.T) / 2 / ALIKE).sum(axis=1))


def mean_profile(counts: csr_matrix) -> Floats:
    """The share of each gene in all counts; no gene is quite absent."""
    total = np.asarray(counts.sum(axis=0), dtype=np.float64).ravel() + 0.5
    return np.asarray(total / total.sum())


def softmax(scores: Floats) -> Floats:
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def _likeliest(groups: Groups, counts: csr_matrix) -> NDArray[np.int64]:
    sizes = np.bincount(groups.group, minlength=len(groups.counts))
    log_profiles, log_sizes = np.log(groups.profiles).T, np.log(np.maximum(sizes, 1e-9))
    starts = range(0, counts.shape[0], BLOCK)
    parts = [(counts[start : start + BLOCK] @ log_profiles + log_sizes).argmax(axis=1) for start in starts]
    return np.concatenate(parts).astype(np.int64)


def _sums(counts: csr_matrix, label: NDArray[np.int64], number: int) -> Floats:
    ones = np.ones(len(label), dtype=np.float64)
    pick = csr_matrix((ones, (label, np.arange(len(label)))), shape=(number, len(label)))
    return np.asarray((pick @ counts).toarray(), dtype=np.float64)


def _by_size(counts: csr_matrix, label: NDArray[np.int64], mean: Floats) -> Groups:
    """Empty groups vanish; the others are numbered from the largest."""
    old, place, sizes = np.unique(label, return_inverse=True, return_counts=True)
    rank = np.empty(len(old), dtype=np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(old))
    label = rank[place]
    return Groups(label, _sums(counts, label, len(old)), mean)
