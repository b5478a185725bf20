"""The scales that comparators work in, and the nearest cells, from what the view gives and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix, diags, vstack

from backend.datasets.expression import linear, log_normalise
from backend.methods.contract import Floats
from backend.methods.imputation import FoldView, depths, log_tissue

BATCH = 2048
NEIGHBOURS = 50


def z_scores(values: Floats) -> Floats:
    """Columns with mean 0 and deviation 1; a constant column becomes 0."""
    exact = values.astype(np.float64)
    centred = exact - exact.mean(axis=0)
    deviation = centred.std(axis=0)
    return np.asarray(centred / np.where(deviation > 1e-6, deviation, np.inf), dtype=np.float32)


class LogColumns:
    """Log-normalised expression of some cells, read by genes. logged: cells x genes, sparse."""

    def __init__(self, logged: csr_matrix, genes: Sequence[str]) -> None:
        self._logged = csc_matrix(logged)
        self._place = {gene: column for column, gene in enumerate(genes)}

    def read(self, genes: Sequence[str]) -> Floats:
        """cells x len(genes), dense."""
        return np.asarray(self._chosen(genes).todense(), dtype=np.float32)

    def most_varied(self, genes: tuple[str, ...], count: int) -> tuple[str, ...]:
        """The `count` of them with the largest variance, sorted."""
        if len(genes) <= count:
            return genes
        chosen = self._chosen(genes)
        mean, square = (np.asarray(part.mean(axis=0)).ravel() for part in (chosen, chosen.power(2)))
        return tuple(sorted(genes[column] for column in np.argsort(-(square - mean**2), kind="stable")[:count]))

    def vary(self) -> bool:
        """Whether any gene differs between any cells."""
        return bool((self._logged.max(axis=0) - self._logged.min(axis=0)).nnz)

    def _chosen(self, genes: Sequence[str]) -> csc_matrix:
        return self._logged[:, [self._place[gene] for gene in genes]]


def reference_columns(view: FoldView) -> LogColumns:
    """All the reference's genes: log1p at 1e4 per cell."""
    cells = view.reference
    return LogColumns(log_normalise(cells.expression, cells.scale), cells.genes)


def known_columns(view: FoldView) -> LogColumns:
    """*Unseen region*: the target genes of the known cells, in T1's scale (log1p at input depth)."""
    assert view.known is not None
    plain = linear(view.known.expression, view.tissue.scale)
    total = depths(view.tissue)
    factor = diags(np.median(total) / total[view.known.rows])
    return LogColumns(csr_matrix(factor @ plain).log1p(), view.target_genes)


@dataclass(frozen=True)
class Lesson:
    """What can be learnt from. inputs: m cells x input genes, z-scored; columns: what else these cells express; units:
    of that. asked: n tissue cells x input genes, z-scored among themselves."""

    inputs: Floats
    columns: LogColumns
    units: Literal["tissue", "reference"]
    asked: Floats

    @staticmethod
    def of(view: FoldView) -> Lesson:
        """Unmeasured gene: the reference's cells. Unseen region: the known cells of the tissue."""
        asked = tissue_inputs(view)
        if view.known is not None:
            return Lesson(asked[view.known.rows], known_columns(view), "tissue", asked)
        columns = reference_columns(view)
        return Lesson(z_scores(columns.read(view.input_genes)), columns, "reference", asked)


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
