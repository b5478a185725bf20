"""Differential expression between two groups of cells: Wilcoxon's rank-sum test of every gene, and what chance finds.

The ranks of a gene do not depend on how cells are grouped. They are made once, shifted so that a zero weighs nothing
(the matrix stays sparse), and each grouping is then one matrix product: a hundred nulls cost little more than one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix
from scipy.stats import false_discovery_control, norm, rankdata

FEWEST_CELLS = 3  # a gene detected in fewer is not tested
SIGNIFICANT = 0.05  # of the FDR
_PSEUDOCOUNT = 0.1  # normalised counts, added to both means so that a gene absent from one group has a fold change


@dataclass(frozen=True)
class Ranks:
    """Mid-ranks of n cells, gene by gene, minus the mid-rank of the zeros.

    shifted: n x genes CSC. base: the zeros' mid-rank, per gene. ties: sum of t^3 - t over groups of t tied cells.
    """

    shifted: csc_matrix
    base: NDArray[np.float64]
    ties: NDArray[np.float64]

    def z(self, groups: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Wilcoxon's z of each gene for each grouping, positive where the marked cells rank higher.

        groups: n cells x k groupings, True for the marked cells. Returns genes x k; 0 for a gene without variation.
        Corrected for ties and continuity, as `scipy.stats.mannwhitneyu(method="asymptotic")`.
        """
        n, marked = len(groups), groups.sum(axis=0).astype(np.float64)
        excess = self.above(groups) - marked * (n - marked) / 2.0
        spread = (n + 1) - self.ties / (n * (n - 1.0))
        deviation = np.sqrt(np.maximum(np.outer(spread, marked * (n - marked) / 12.0), 0.0))
        size = np.maximum(np.abs(excess) - 0.5, 0.0)
        z = np.divide(size, deviation, out=np.zeros_like(size), where=deviation > 1e-9)
        return np.asarray(np.sign(excess) * z)

    def above(self, groups: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Mann and Whitney's U, genes x k: pairs in which the marked cell is higher; ties count one half."""
        marked = groups.sum(axis=0).astype(np.float64)
        rank_sums = self.shifted.T @ groups.astype(np.float64) + np.outer(self.base, marked)
        return np.asarray(rank_sums - marked * (marked + 1) / 2.0)


def rank(values: csr_matrix) -> Ranks:
    """Rank n cells x genes of non-negative values."""
    n, columns = values.shape[0], csc_matrix(values, dtype=np.float64)
    columns.eliminate_zeros()
    held = np.diff(columns.indptr)
    zeros = (n - held).astype(np.float64)
    base, ties = (zeros + 1) / 2.0, zeros**3 - zeros
    shifted = columns.copy()
    for gene in range(columns.shape[1]):
        span = slice(columns.indptr[gene], columns.indptr[gene + 1])
        ranked = rankdata(columns.data[span])
        # Positive values rank above all zeros; subtracting the zeros' own rank leaves the zeros without weight.
        shifted.data[span] = ranked + zeros[gene] - base[gene]
        sizes = np.unique(ranked, return_counts=True)[1].astype(np.float64)
        ties[gene] += float((sizes**3 - sizes).sum())
    return Ranks(shifted, base, ties)


@dataclass(frozen=True)
class Comparison:
    """Clustered against isolated cells. values: n cells x genes, log1p of expression scaled to 10,000 per cell."""

    values: csr_matrix
    genes: tuple[str, ...]
    clustered: NDArray[np.bool_]

    @cached_property
    def tested(self) -> NDArray[np.intp]:
        """The genes detected in at least three of the cells."""
        return np.flatnonzero(np.asarray((self.values > 0).sum(axis=0)).ravel() >= FEWEST_CELLS)

    @cached_property
    def ranks(self) -> Ranks:
        return rank(self.values[:, self.tested])

    def table(self) -> pd.DataFrame:
        """One row per tested gene, surest first: gene, log2_fc (of mean normalised expression, clustered / isolated),
        z, p (two-sided), fdr (Benjamini–Hochberg), auroc (0.5: no difference), means and detection in each group."""
        plain, groups = self.values[:, self.tested].expm1(), self.clustered[:, None]
        pairs = self.clustered.sum() * (~self.clustered).sum()
        z = self.ranks.z(groups)[:, 0]
        p = np.minimum(2.0 * norm.sf(np.abs(z)), 1.0)
        table = pd.DataFrame(
            {"gene": np.asarray(self.genes, dtype=object)[self.tested], "z": z, "p": p, "fdr": _fdr(p)}
        )
        table["auroc"] = self.ranks.above(groups)[:, 0] / pairs
        for name, cells in (("clustered", self.clustered), ("isolated", ~self.clustered)):
            table[f"mean_{name}"] = np.asarray(plain[cells].mean(axis=0)).ravel()
            table[f"detection_{name}"] = np.asarray((plain[cells] > 0).mean(axis=0)).ravel()
        ratio = (table["mean_clustered"] + _PSEUDOCOUNT) / (table["mean_isolated"] + _PSEUDOCOUNT)
        table.insert(1, "log2_fc", np.log2(ratio))
        return table.sort_values(["p", "gene"], kind="stable").reset_index(drop=True)

    def significant(self, groupings: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """For each of k other groupings of the same cells (n x k): how many genes have an FDR below 0.05, and the
        largest |z|."""
        sizes = np.abs(self.ranks.z(groupings))
        found = [int((_fdr(2.0 * norm.sf(column)) < SIGNIFICANT).sum()) for column in sizes.T]
        return np.array(found, dtype=np.intp), sizes.max(axis=0, initial=0.0)

    def shuffled(self, times: int, seed: int) -> NDArray[np.bool_]:
        """`times` random groupings with as many clustered cells, n x times."""
        random = np.random.default_rng(seed)
        return np.column_stack([random.permutation(self.clustered) for _ in range(times)])


def split_alike(others: NDArray[np.floating], n_marked: int) -> NDArray[np.bool_]:
    """Groupings of equal size by other quantities: the `n_marked` highest cells of each column of n x k."""
    order = np.argsort(-others, axis=0, kind="stable")[:n_marked]
    groups = np.zeros(others.shape, dtype=bool)
    np.put_along_axis(groups, order, True, axis=0)
    return groups


def _fdr(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(false_discovery_control(np.minimum(p, 1.0))) if len(p) else p
