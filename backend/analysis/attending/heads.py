"""Attention apart: each layer and head, by group and by cell. Head -1 is the mean of a layer's heads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.stats import rankdata

TOP = 15
MEAN = -1  # in place of a head: all of its layer


def each_part(weight: NDArray[np.float32]) -> Iterator[tuple[int, int, NDArray[np.float64]]]:
    """weight: (layers, heads, entries) -> layer, head, the weight of each entry; a layer's mean first."""
    for layer, heads in enumerate(weight):
        yield layer, MEAN, heads.mean(axis=0, dtype=np.float64)
        for head, values in enumerate(heads):
            yield layer, head, values.astype(np.float64)


def by_group(
    entries: csr_matrix, weight: NDArray[np.float32], groupings: Mapping[str, NDArray[np.str_]]
) -> pd.DataFrame:
    """by, group, layer, head, gene, weight (mean over the group's cells): the 15 strongest genes of each.

    entries: n x G, whose stored values are the places of the entries in `weight`."""
    tables = []
    for by, labels in groupings.items():
        names, code = np.unique(labels, return_inverse=True)
        sizes = np.bincount(code)[:, None]
        pick = csr_matrix((np.ones(len(code)), (code, np.arange(len(code)))), shape=(len(names), len(code)))
        for layer, head, values in each_part(weight):
            means = np.asarray((pick @ _filled(entries, values)).todense()) / sizes
            group, gene, found = strongest(csr_matrix(means))
            part = {"by": by, "group": names[group], "layer": layer, "head": head, "gene": gene, "weight": found}
            tables.append(pd.DataFrame(part))
    return pd.concat(tables, ignore_index=True)


def by_cell(entries: csr_matrix, weight: NDArray[np.float32]) -> pd.DataFrame:
    """row (of the cell), layer, head, gene, weight: the 15 strongest genes of each cell."""
    tables = []
    for layer, head, values in each_part(weight):
        row, gene, found = strongest(_filled(entries, values))
        tables.append(pd.DataFrame({"row": row, "layer": layer, "head": head, "gene": gene, "weight": found}))
    return pd.concat(tables, ignore_index=True)


def summary(cell: NDArray[np.intp], rank: NDArray[np.intp], weight: NDArray[np.float32]) -> pd.DataFrame:
    """layer, head, spread (genes among which the weight is shared, exp of its entropy) and by_rank (Spearman's
    correlation within a cell between weight and place, 1: the first genes most): means over cells."""
    sizes = np.maximum(np.bincount(cell), 1)
    place = _centred_ranks(-rank.astype(np.float64), cell)
    rows = []
    for layer, head, values in each_part(weight):
        logs = np.log(values, out=np.zeros_like(values), where=values > 0)
        entropy = -np.bincount(cell, weights=values * logs)
        mine = _centred_ranks(values, cell)
        sums = [np.bincount(cell, weights=product) for product in (mine * place, mine**2, place**2)]
        scale = np.sqrt(sums[1] * sums[2])
        follows = np.divide(sums[0], scale, out=np.zeros_like(scale), where=scale > 0)
        several = sizes > 1
        spread, by_rank = np.exp(entropy)[several].mean(), follows[several].mean()
        rows.append({"layer": layer, "head": head, "spread": float(spread), "by_rank": float(by_rank)})
    return pd.DataFrame(rows)


def strongest(values: csr_matrix, top: int = TOP) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Row, column and value of the `top` largest of each row, the largest first."""
    row = np.repeat(np.arange(values.shape[0]), np.diff(values.indptr))
    order = np.lexsort((values.indices, -values.data, row))
    kept = order[np.arange(len(order)) - np.repeat(values.indptr[:-1], np.diff(values.indptr)) < top]
    return row[kept], values.indices[kept], values.data[kept]


def _filled(entries: csr_matrix, values: NDArray[np.float64]) -> csr_matrix:
    return csr_matrix((values[entries.data], entries.indices, entries.indptr), shape=entries.shape)


def _centred_ranks(values: NDArray[np.float64], cell: NDArray[np.intp]) -> NDArray[np.float64]:
    """Ranks within each cell (ties share theirs), less the cell's mean rank."""
    ends = np.searchsorted(cell, np.arange(int(cell.max(initial=-1)) + 2))
    ranks = np.empty(len(values))
    for start, end in pairwise(ends):
        ranks[start:end] = rankdata(values[start:end]) - (end - start + 1) / 2
    return ranks
