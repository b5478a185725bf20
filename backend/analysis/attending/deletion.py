"""Deletion curves: does a prediction hang on the genes that were looked at most?

Three ways to delete k of the genes that a cell was read by: the most attended; random others of equal detection, a few
sets of them; and the first by rank, since an attention that merely follows expression would do as well as those.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.stats import false_discovery_control

from backend.analysis.attending.null import Looked

COUNTS = (1, 2, 4, 8, 16)  # genes deleted
SETS = 5  # random sets per cell
LIKE = 5  # a random gene is drawn from the five of most similar detection
SHARE = 3  # at most a third of the genes that a cell was read by
EXCHANGES = 2000
FEWEST_CELLS = 10


@dataclass(frozen=True)
class Plan:
    """Which genes to delete, in this order. attended, first: n_cells x 16; random: 5 x n_cells x 16; -1: no more. The
    i-th random gene stands for the i-th attended one: of similar detection, and never among the attended."""

    attended: NDArray[np.int64]
    first: NDArray[np.int64]
    random: NDArray[np.int64]


def plan(looked: Looked, detection: NDArray[np.floating], seed: int) -> Plan:
    """detection: per gene, the share of cells in which it was seen."""
    rng = np.random.default_rng(seed)
    attended = most_attended(looked, COUNTS[-1])
    first = np.full_like(attended, -1)
    random = np.full((SETS, *attended.shape), -1, dtype=np.int64)
    for cell, genes, _ in _cells(looked):
        taken = attended[cell][attended[cell] >= 0]
        others = genes[~np.isin(genes, taken)]
        first[cell, : len(taken)] = genes[: len(taken)]
        for which in range(SETS):
            random[which, cell, : len(taken)] = _alike(taken, others, detection, rng)
    return Plan(attended, first, random)


def most_attended(looked: Looked, most: int) -> NDArray[np.int64]:
    """n_cells x `most`: each cell's genes of largest weight, the largest first, a third at most; -1: no more."""
    found = np.full((looked.n_cells, most), -1, dtype=np.int64)
    for cell, genes, weights in _cells(looked):
        kept = genes[np.argsort(-weights, kind="stable")[: min(most, len(genes) // SHARE)]]
        found[cell, : len(kept)] = kept
    return found


def _cells(looked: Looked) -> Iterator[tuple[int, NDArray[np.intp], NDArray[np.float64]]]:
    """Each cell's genes, by rank, and their weights."""
    ends = np.searchsorted(looked.cell, np.arange(looked.n_cells + 1))
    for cell, (start, end) in enumerate(pairwise(ends)):
        yield cell, looked.gene[start:end], looked.weight[start:end]


def _alike(
    wanted: NDArray[np.int64], others: NDArray[np.intp], detection: NDArray[np.floating], rng: np.random.Generator
) -> list[int]:
    """For each gene one of the five others that are detected most alike, none twice."""
    left, found = list(others), []
    for gene in wanted:
        near = np.argsort(np.abs(detection[left] - detection[gene]), kind="stable")[:LIKE]
        found.append(int(left.pop(int(rng.choice(near)))))
    return found


def without(rows: csr_matrix, genes: NDArray[np.int64]) -> csr_matrix:
    """rows: n x G. genes: n x k, those to take out of each row (-1: none)."""
    cell, place = np.nonzero(genes >= 0)
    gone = csr_matrix((np.ones(len(cell), dtype=bool), (cell, genes[cell, place])), shape=rows.shape)
    kept = csr_matrix(rows - rows.multiply(gone), dtype=np.float32)
    kept.eliminate_zeros()
    kept.sort_indices()
    return kept


def changed(
    before: NDArray[np.floating], after: NDArray[np.floating], scale: NDArray[np.floating]
) -> NDArray[np.float64]:
    """How far each cell's prediction (n x P) moved: root mean square over the genes, each in units of `scale`, the
    s.d. of its predictions over cells. 1: as far as a cell is from the mean cell."""
    steps = (after.astype(np.float64) - before) / np.maximum(scale, 1e-9)
    return np.asarray(np.sqrt(np.square(steps).mean(axis=1)))


def compare(
    attended: NDArray[np.float64], random: NDArray[np.float64], groups: NDArray[np.str_], seed: int
) -> pd.DataFrame:
    """One row per group of at least ten cells: n, attended, random (mean changes), ratio, p, q. attended: n changes;
    random: sets x n; NaN where a cell was not tried.

    p: one-sided. Were the attended genes a set like the random ones, any of a cell's sets could bear their name: it is
    given to one at random, 2,000 times. q: Benjamini-Hochberg over the groups."""
    rng = np.random.default_rng(seed)
    every = np.vstack([attended, random])
    known = np.isfinite(every).all(axis=0)
    rows = []
    for group in np.unique(groups[known]):
        sets = every[:, known & (groups == group)]
        n = sets.shape[1]
        if n < FEWEST_CELLS:
            continue
        named = rng.integers(len(sets), size=(EXCHANGES, n))
        chance = sets[named, np.arange(n)].mean(axis=1)
        top, other = float(sets[0].mean()), float(sets[1:].mean())
        p = (1 + int((chance >= top - 1e-12).sum())) / (EXCHANGES + 1)
        rows.append(
            {"group": group, "n": n, "attended": top, "random": other, "ratio": top / max(other, 1e-12), "p": p}
        )
    table = pd.DataFrame(rows, columns=["group", "n", "attended", "random", "ratio", "p"])
    return table.assign(q=false_discovery_control(table["p"]) if len(table) else [])
