"""Readings whose truth is known: attention falls with rank, and in half of the cells one gene has more than its place
gives."""

from __future__ import annotations

import numpy as np

from backend.analysis.attending.null import Looked

CELLS, GENES, SPECIAL = 60, 40, 7


def simulate(seed: int = 0, boost: float = 3.0) -> Looked:
    """60 cells read some 30 of 40 genes each, in random order; in the first 30 cells gene 7 has `boost` times the
    weight of its place."""
    rng = np.random.default_rng(seed)
    cell, gene, rank, weight = [], [], [], []
    for number in range(CELLS):
        genes = rng.permutation(GENES)[: int(rng.integers(27, 34))]
        weights = np.exp(-np.arange(len(genes)) / 10) * rng.uniform(0.8, 1.2, len(genes))
        if number < CELLS // 2:
            weights[genes == SPECIAL] *= boost
        cell.append(np.full(len(genes), number))
        gene.append(genes)
        rank.append(np.arange(len(genes)))
        weight.append(weights / weights.sum())
    return Looked(CELLS, GENES, *(np.concatenate(part) for part in (cell, gene, rank, weight)))


def halves() -> np.ndarray:
    return np.where(np.arange(CELLS) < CELLS // 2, "first", "second")
