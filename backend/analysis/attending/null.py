"""Which genes are looked at for what they are, and not for where they rank in their cell.

A model that reads genes in the order of expression can weigh places instead of genes: whatever comes first is looked
at. The null therefore deals the weights out anew among genes of about the same rank in the same cell. It keeps each
cell's sum and the fall of attention with rank, and takes away which gene had the weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

NEAR = 8  # genes of neighbouring ranks that exchange their weights
FEWEST_CELLS = 5  # of a group, that read the gene
SHUFFLES = 500


@dataclass(frozen=True)
class Looked:
    """Attention of n cells to the genes that each of them read. cell, gene, rank, weight: one entry per gene read, a
    cell's entries together and by rank (0 first); the weights of a cell sum to one."""

    n_cells: int
    n_genes: int
    cell: NDArray[np.intp]
    gene: NDArray[np.intp]
    rank: NDArray[np.intp]
    weight: NDArray[np.float64]


def stands_out(
    looked: Looked, groupings: Mapping[str, NDArray[np.str_]], seed: int, shuffles: int = SHUFFLES
) -> pd.DataFrame:
    """One row per grouping (`by`), group and gene that at least five of its cells read: cells (that read it), weight
    and expected (means over all cells of the group, the latter under the null), z, and p: one-sided, family-wise over
    the group's genes (the largest z of each shuffle is the null's), so genes with p < 0.05 need no further correction.

    z uses the null's exact mean and variance: within a cell's neighbouring ranks each order is equally likely."""
    block = _blocks(looked)
    mean, variance = _moments(looked.weight, block)
    tables = [_Table(looked, by, labels, mean, variance) for by, labels in groupings.items()]
    rng = np.random.default_rng(seed)
    for _ in range(shuffles):
        order = np.argsort(block + rng.random(len(block)))
        dealt = looked.weight[order]
        for table in tables:
            table.compare(dealt)
    return pd.concat([table.rows(shuffles) for table in tables], ignore_index=True)


def _blocks(looked: Looked) -> NDArray[np.intp]:
    """A number per entry, rising: equal for entries of one cell whose ranks are near. A cell's last, short block is
    joined to the one before it."""
    counts = np.bincount(looked.cell, minlength=looked.n_cells)[looked.cell]
    last = np.maximum(counts // NEAR - 1, 0)
    within = np.minimum(looked.rank // NEAR, last)
    return np.unique(looked.cell * (looked.rank.max(initial=0) + 1) + within, return_inverse=True)[1]


def _moments(weight: NDArray[np.float64], block: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Per entry the mean and the variance of a weight drawn from its block."""
    size = np.bincount(block)
    mean = np.bincount(block, weights=weight) / size
    square = np.bincount(block, weights=(weight - mean[block]) ** 2) / size
    return mean[block], square[block]


class _Table:
    """Sums of one grouping, and how often chance reached them."""

    def __init__(
        self,
        looked: Looked,
        by: str,
        labels: NDArray[np.str_],
        mean: NDArray[np.float64],
        variance: NDArray[np.float64],
    ) -> None:
        self.by, self.n_genes = by, looked.n_genes
        self.groups, code = np.unique(labels, return_inverse=True)
        self.sizes = np.bincount(code)
        self.place = code[looked.cell] * looked.n_genes + looked.gene
        self.shape = (len(self.groups), looked.n_genes)
        self.seen, self.mean = self._sum(np.ones(len(self.place))), self._sum(mean)
        self.sd = np.sqrt(self._sum(variance))
        self.tested = (self.seen >= FEWEST_CELLS) & (self.sd > 0)
        self.weight = self._sum(looked.weight)
        self.z = self._z(self.weight)
        self.reached = np.ones(self.shape)

    def _sum(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        size = self.shape[0] * self.shape[1]
        return np.bincount(self.place, weights=values, minlength=size).reshape(self.shape).astype(np.float64)

    def _z(self, total: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(self.tested, (total - self.mean) / np.where(self.tested, self.sd, 1.0), -np.inf)

    def compare(self, dealt: NDArray[np.float64]) -> None:
        largest = self._z(self._sum(dealt)).max(axis=1, keepdims=True)
        self.reached += largest >= self.z

    def rows(self, shuffles: int) -> pd.DataFrame:
        group, gene = np.nonzero(self.tested)
        cells = self.sizes[group]
        return pd.DataFrame(
            {
                "by": self.by,
                "group": self.groups[group],
                "gene": gene,
                "cells": self.seen[group, gene].astype(np.int64),
                "weight": self.weight[group, gene] / cells,
                "expected": self.mean[group, gene] / cells,
                "z": self.z[group, gene],
                "p": self.reached[group, gene] / (shuffles + 1),
            }
        )
