"""The scales that comparators work in, and the nearest cells, from what the view gives and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix, diags, vstack

from backend.datasets.expression import log_normalise
from backend.methods.contract import Cells, Floats
from backend.methods.imputation import FoldView, depths, log_tissue

BATCH = 2048
NEIGHBOURS = 50


def z_scores(values: Floats) -> Floats:
    """Columns with mean 0 and deviation 1; a constant column becomes 0."""
    exact = values.astype(np.float64)
    centred = exact - exact.mean(axis=0)
    deviation = centred.std(axis=0)
    return np.asarray(centred / np.where(deviation > 1e-6, deviation, np.inf), dtype=np.float32)


class Reference:
    """The reference, log-normalised over all its genes (1e4 per cell), read by genes."""

    def __init__(self, cells: Cells) -> None:
        self._place = {gene: column for column, gene in enumerate(cells.genes)}
        self.logged = csc_matrix(log_normalise(cells.expression, cells.scale))

    def read(self, genes: Sequence[str]) -> Floats:
        """m cells x len(genes), dense."""
        chosen = self.logged[:, [self._place[gene] for gene in genes]]
        return np.asarray(chosen.todense(), dtype=np.float32)


class KnownCells:
    """*Unseen region*: the tissue cells whose target genes were measured, in T1's scale (log1p at input depth)."""

    def __init__(self, view: FoldView) -> None:
        assert view.known is not None
        self.rows = view.known.rows
        self._place = {gene: column for column, gene in enumerate(view.target_genes)}
        linear = view.known.expression.expm1() if view.tissue.scale == "log" else view.known.expression
        total = depths(view.tissue)
        self._logged = csc_matrix((diags(np.median(total) / total[self.rows]) @ linear).log1p())

    def read(self, genes: Sequence[str]) -> Floats:
        """len(rows) x len(genes), dense."""
        chosen = self._logged[:, [self._place[gene] for gene in genes]]
        return np.asarray(chosen.todense(), dtype=np.float32)


def tissue_inputs(view: FoldView) -> Floats:
    """n x inputs: z-scores over the tissue's cells of log1p at input depth."""
    return z_scores(log_tissue(view.tissue))


def nearest_weights(asked: Floats, pool: Floats, count: int = NEIGHBOURS) -> csr_matrix:
    """SpaGE's weights (methods.md §5): the `count` nearest of the pool by cosine distance d, those with d < 1 among
    them, weigh (1 - d_j / sum d) / (number - 1). len(asked) x len(pool); each row sums to 1.

    Where the rule says nothing: a cell without any such neighbour takes the mean of the pool; a single neighbour, or
    neighbours at no distance, weigh alike."""
    query, target = _unit(asked), _unit(pool)
    count = min(count, len(pool))
    parts = [_weigh(1.0 - query[start : start + BATCH] @ target.T, count) for start in range(0, len(query), BATCH)]
    return csr_matrix(vstack(parts))


def _unit(values: Floats) -> NDArray[np.float64]:
    exact = values.astype(np.float64)
    return np.asarray(exact / np.maximum(np.linalg.norm(exact, axis=1, keepdims=True), 1e-12))


def _weigh(distance: NDArray[np.float64], count: int) -> csr_matrix:
    near = np.argpartition(distance, count - 1, axis=1)[:, :count]
    apart = np.maximum(np.take_along_axis(distance, near, axis=1), 0.0)
    alike = apart < 1.0 - 1e-9
    number = alike.sum(axis=1, keepdims=True)
    total = np.where(alike, apart, 0.0).sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where((number > 1) & (total > 1e-9), (1.0 - apart / total) / (number - 1), 1.0 / number)
    weight = np.where(alike, weight, 0.0)
    lonely = np.flatnonzero(number[:, 0] == 0)
    n, m = distance.shape
    rows = np.concatenate([np.repeat(np.arange(n), count), np.repeat(lonely, m)])
    columns = np.concatenate([near.ravel(), np.tile(np.arange(m), len(lonely))])
    values = np.concatenate([weight.ravel(), np.full(len(lonely) * m, 1.0 / m)])
    return csr_matrix((values.astype(np.float32), (rows, columns)), shape=(n, m))
