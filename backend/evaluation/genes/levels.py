"""What is compared: single cells, 50-um bins, cell types and niches. A gene may be right in one and wrong in another.

A level above the cell is a set of groups of cells; truth and prediction are averaged within each. Groups come from
coordinates and the input genes, so that hidden genes have no say in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from backend.analysis.context import context_graph
from backend.datasets.expression import leiden
from backend.evaluation.genes.metrics import Scale, score_genes
from backend.methods.contract import Cells, Floats
from backend.methods.imputation import log_tissue

BIN_UM, NICHE_SIGMA_UM, NICHES, COMPONENTS = 50.0, 50.0, 10, 20
FEWEST_GROUPS = 3  # a correlation over two groups is always 1 or -1
_CLUSTERED = 20_000  # cells from which clusters are learnt, so that a large tissue takes no longer


@dataclass(frozen=True)
class Level:
    """mean: groups x cells, rows sum to one; None: the cells themselves."""

    name: str
    mean: csr_matrix | None = None

    def over(self, rows: NDArray[np.intp]) -> Level:
        """The same groups among some cells only; groups without one are gone."""
        return self if self.mean is None else _level(self.name, csr_matrix(self.mean[:, rows] > 0, dtype=np.float64))

    def of(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """cells (x genes) -> groups (x genes)."""
        return values if self.mean is None else np.asarray(self.mean @ values, dtype=values.dtype)


def levels_of(tissue: Cells, types: Sequence[str] | None = None) -> tuple[Level, ...]:
    """tissue: the view's, over the input genes. types: labels of its cells; else clusters of their input genes. Without
    coordinates there are neither bins nor niches."""
    labels = clusters(tissue) if types is None else np.unique(np.asarray(types), return_inverse=True)[1]
    found = [Level("cell"), grouped("type", labels)]
    if tissue.coordinates is not None:
        found.insert(1, grouped("bin", bins(tissue)))
        found.append(grouped("niche", niches(tissue)))
    return tuple(found)


def grouped(name: str, labels: NDArray[np.integer]) -> Level:
    """The level whose groups are the cells of one label."""
    member = csr_matrix((np.ones(len(labels)), (labels, np.arange(len(labels)))))
    return _level(name, member)


def _level(name: str, member: csr_matrix) -> Level:
    size = np.asarray(member.sum(axis=1)).ravel()
    filled = np.flatnonzero(size > 0)
    return Level(name, csr_matrix(diags(1.0 / size[filled]) @ csr_matrix(member)[filled]))


def bins(tissue: Cells) -> NDArray[np.int64]:
    """Squares of 50 um, each section on its own."""
    assert tissue.coordinates is not None
    square = np.floor(tissue.coordinates.astype(np.float64) / BIN_UM).astype(np.int64)
    section = np.zeros(len(square), dtype=np.int64) if tissue.section is None else tissue.section
    return np.asarray(np.unique(np.column_stack([section, square]), axis=0, return_inverse=True)[1].ravel())


def clusters(tissue: Cells) -> NDArray[np.int64]:
    """Leiden communities of the input genes (resolution 1, seed 0). Above 20,000 cells a random part is clustered, and
    each of the others is given to the community whose mean is nearest."""
    rows = _sample(tissue.n_cells)
    found = leiden(tissue.expression[rows], tissue.scale, 1.0, 0)
    if len(rows) == tissue.n_cells:
        return found
    values = log_tissue(tissue)
    means = np.stack([values[rows[found == label]].mean(axis=0) for label in range(int(found.max()) + 1)])
    labels = np.argmin(np.square(means).sum(axis=1) - 2 * values @ means.T, axis=1)
    labels[rows] = found
    return np.asarray(labels, dtype=np.int64)


def niches(tissue: Cells) -> NDArray[np.int64]:
    """Ten groups of surroundings: k-means (seed 0) of the leading components of the input genes, averaged over
    neighbours (Gaussian, sigma 50 um)."""
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    assert tissue.coordinates is not None
    graph = context_graph(tissue.coordinates, tissue.section, NICHE_SIGMA_UM, self_loop=True)
    around = np.asarray(graph.astype(np.float32) @ log_tissue(tissue))
    rows = _sample(len(around))
    basis = PCA(min(COMPONENTS, len(rows), around.shape[1]), svd_solver="full", random_state=0).fit(around[rows])
    points = basis.transform(around)
    model = KMeans(min(NICHES, len(rows)), n_init=3, random_state=0).fit(points[rows])
    return np.asarray(model.predict(points), dtype=np.int64)


def _sample(n_cells: int) -> NDArray[np.intp]:
    if n_cells <= _CLUSTERED:
        return np.arange(n_cells)
    return np.sort(np.random.default_rng(0).choice(n_cells, _CLUSTERED, replace=False))


def score_levels(
    truth: Floats,
    predicted: Floats,
    log_depth: NDArray[np.floating],
    genes: Sequence[str],
    levels: Sequence[Level],
    scale: Scale = Scale(),  # noqa: B008 - frozen
) -> pd.DataFrame:
    """`score_genes` at each level, with a column `level`; a level of fewer than three groups is left out."""
    tables = []
    for level in levels:
        depth = level.of(log_depth)
        if len(depth) >= FEWEST_GROUPS:
            scored = score_genes(level.of(truth), level.of(predicted), depth, genes, scale)
            tables.append(scored.assign(level=level.name))
    return pd.concat(tables, ignore_index=True)
