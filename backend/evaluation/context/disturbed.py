"""Cells changed on purpose: two nulls of the training tissue, and the same query cells on another platform.

A null is a training tissue in which nothing can be learnt that would help: what a method still scores after it is what
it scores without having understood anything (methods.md §9.1).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix

from backend.methods.contract import Cells
from backend.training.batches import stream

DEPTH = 0.6
FACTOR_SD = 1.0  # of the logarithm of a factor; between CosMx and two references of lung 1.6 and 1.9 were measured


def moved(cells: Cells, seed: int) -> Cells:
    """The loose null: every cell stands where another one stood. Pairs are lost; how genes go together is not, so a
    method that leans on that still scores."""
    assert cells.coordinates is not None
    order = stream(seed, "null/cells").permutation(cells.n_cells)
    section = None if cells.section is None else cells.section[order]
    return replace(cells, coordinates=cells.coordinates[order], section=section)


def scrambled(cells: Cells, seed: int) -> Cells:
    """The strict null: the values of each gene are shuffled over the cells, every gene on its own."""
    random = stream(seed, "null/genes")
    columns = csc_matrix(cells.expression, copy=True)
    for start, end in zip(columns.indptr[:-1], columns.indptr[1:], strict=True):
        columns.indices[start:end] = random.choice(cells.n_cells, end - start, replace=False)
    columns.has_sorted_indices = False
    columns.sort_indices()
    return replace(cells, expression=csr_matrix(columns))


def shifted(cells: Cells, seed: int) -> Cells:
    """As another platform would have measured them: each gene with a factor of its own, at 0.6 times the depth.

    Counts stay counts: a factor's whole part multiplies, the rest is drawn count by count. Other scales are multiplied
    and lose values at random."""
    random = stream(seed, "shift")
    factor = np.exp(random.normal(0.0, FACTOR_SD, len(cells.genes)))
    values = csr_matrix(cells.expression, copy=True)
    linear = np.expm1(values.data) if cells.scale == "log" else values.data
    rate = factor[values.indices]
    if cells.scale == "counts":
        drawn = _resampled(linear, DEPTH * rate, random)
    else:
        drawn = linear * rate * (random.random(len(linear)) < DEPTH)
    values.data = np.asarray(np.log1p(drawn) if cells.scale == "log" else drawn, dtype=np.float32)
    values.eliminate_zeros()
    return replace(cells, expression=values)


def _resampled(
    counts: NDArray[np.floating], rate: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.float64]:
    whole = np.floor(rate)
    rounded = np.rint(counts).astype(np.int64)
    return np.asarray(whole * rounded + random.binomial(rounded, rate - whole), dtype=np.float64)
