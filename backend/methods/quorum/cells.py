"""What tissue cells have in common: a few directions in which they differ, steadied over alike and near cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.methods.contract import Cells, Floats
from backend.methods.imputation import log_tissue
from backend.methods.reference.genes.scaled import z_scores

Scale = Literal["log", "root"]
CLIP = 8.0  # standard deviations: one odd cell must not bend a direction
PCS = 100  # genes are summarised by so many components before cells are compared
GRAPH_PCS = 30
MOST_GENES = 2_000  # above, a decomposition of genes x genes takes longer than a randomised one
NEAR_CELLS = 15
ALIKE_WEIGHT, NEAR_WEIGHT = 2.0, 1.0  # beside a cell's own counts; 4 and 3 scored worse on masked genes
NOISE = 1.3  # of the noise's largest singular value, squared: what a direction must rise above


@dataclass(frozen=True)
class Directions:
    """basis: n cells x r, orthonormal. measured: r x input genes: the tissue's genes seen along them, shrunk."""

    basis: Floats
    measured: Floats


def directions(cells: Cells, scale: Scale, components: int, neighbours: int) -> Directions:
    """The leading directions of [own | 2 x mean of alike cells | mean of near cells], each direction shrunk by
    s^2 / (s^2 + noise): a Wiener filter whose noise is the largest singular value of pure noise (Marchenko-Pastur)."""
    scores = principal_components(standardised(cells, scale), PCS)
    alike = alike_cells(scores[:, :GRAPH_PCS], neighbours) @ scores
    near = near_cells(cells, NEAR_CELLS) @ scores
    joined = np.hstack([scores, ALIKE_WEIGHT * alike, NEAR_WEIGHT * near]).astype(np.float64)
    values, vectors = np.linalg.eigh(joined.T @ joined)
    kept = values > 1e-8 * max(values.max(), 1e-12)
    order = np.argsort(-values[kept])[: min(components, max(1, len(cells.genes) - 1))]
    power, vectors = values[kept][order], vectors[:, kept][:, order]
    basis = joined @ (vectors / np.sqrt(power))
    n, genes = cells.n_cells, len(cells.genes)
    noise = NOISE * n * (1 + np.sqrt(genes / n)) ** 2
    measured = (power / (power + noise))[:, None] * (basis.T @ standardised(cells, "log"))
    return Directions(basis.astype(np.float32), measured.astype(np.float32))


def standardised(cells: Cells, scale: Scale) -> Floats:
    """n x genes, mean 0 and deviation 1 per gene, clipped; "root": the square root instead of log1p."""
    values = log_tissue(cells)
    if scale == "root":
        values = np.sqrt(np.expm1(values))
    return np.clip(z_scores(values), -CLIP, CLIP)


def principal_components(values: Floats, count: int) -> Floats:
    """n x at most `count` scores. Exact where genes are few enough for their products, else randomised (seed 0)."""
    if values.shape[1] <= MOST_GENES:
        size, loadings = np.linalg.eigh(values.T.astype(np.float64) @ values)
        kept = np.argsort(-size)[:count]
        return np.asarray(values @ loadings[:, kept[size[kept] > 1e-8 * max(size.max(), 1e-12)]], dtype=np.float32)
    from sklearn.utils.extmath import randomized_svd

    left, sizes, _ = randomized_svd(values, count, n_iter=4, random_state=0)
    return np.asarray(left * sizes, dtype=np.float32)


def alike_cells(scores: Floats, count: int) -> csr_matrix:
    """n x n: each cell's mean over the `count` others of nearest direction (cosine)."""
    length = np.maximum(np.linalg.norm(scores, axis=1, keepdims=True), 1e-12)
    return _mean_over(_nearest(scores / length, count), len(scores))


def near_cells(cells: Cells, count: int) -> csr_matrix:
    """n x n: each cell's mean over the `count` nearest others of its section."""
    from scipy.spatial import cKDTree

    n = cells.n_cells
    if cells.coordinates is None:
        return csr_matrix((n, n), dtype=np.float32)
    section = np.zeros(n, np.int32) if cells.section is None else cells.section
    found = np.full((n, count), -1, dtype=np.int64)
    for label in np.unique(section):
        rows = np.flatnonzero(section == label)
        k = min(count, len(rows) - 1)
        if k > 0:
            nearest = cKDTree(cells.coordinates[rows]).query(cells.coordinates[rows], k + 1)[1]
            found[rows, :k] = rows[_without_self(nearest, np.arange(len(rows)))]
    return _mean_over(found, n)


def _nearest(points: Floats, count: int) -> NDArray[np.int64]:
    from sklearn.neighbors import NearestNeighbors

    k = min(count, len(points) - 1)
    if k < 1:
        return np.full((len(points), 1), -1, dtype=np.int64)
    search = NearestNeighbors(n_neighbors=k + 1, algorithm="brute").fit(points)
    return _without_self(search.kneighbors(points, return_distance=False), np.arange(len(points)))


def _without_self(nearest: NDArray[np.integer], own: NDArray[np.integer]) -> NDArray[np.int64]:
    """Drop each row's own number; where equal points crowded it out, the last neighbour."""
    others = nearest != own[:, None]
    others[others.all(axis=1), -1] = False
    return np.asarray(nearest[others].reshape(len(nearest), -1), dtype=np.int64)


def _mean_over(neighbours: NDArray[np.int64], n: int) -> csr_matrix:
    """Rows average the neighbours listed; -1 is no neighbour."""
    rows, slots = np.nonzero(neighbours >= 0)
    count = np.maximum((neighbours >= 0).sum(axis=1), 1)
    return csr_matrix(
        ((1.0 / count[rows]).astype(np.float32), (rows, neighbours[rows, slots])), shape=(n, n), dtype=np.float32
    )
