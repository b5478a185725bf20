"""The reference as a few centroids: Leiden groups and their mean expression (CASPER, section 2.2; methods.md §1.2)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.datasets.expression import leiden, log_normalise
from backend.methods.contract import Cells, Floats
from backend.training.batches import stream

FEWEST_CELLS = 30  # below, each reference cell is a centroid of its own
_CONSTANT = 1e-6
# The folds of a run group the same reference: the last grouping is kept, named by what it was made from.
_GROUPED: dict[tuple[str, tuple[int, ...], float], NDArray[np.int32]] = {}


def group_cells(reference: Cells, resolution: float) -> NDArray[np.int32]:
    """The centroid of each reference cell, 0 to K-1. Read from the reference alone: the same in every fold.

    Leiden on all its genes (the 2,000 most variable) rather than the shared ones, else as methods.md §1.2."""
    if reference.n_cells < FEWEST_CELLS:
        return np.arange(reference.n_cells, dtype=np.int32)
    values = reference.expression
    content = hashlib.blake2b(reference.scale.encode())
    for part in (values.indptr, values.indices, values.data):
        content.update(np.ascontiguousarray(part).tobytes())
    asked = (content.hexdigest(), values.shape, resolution)
    if asked not in _GROUPED:
        _GROUPED.clear()
        _GROUPED[asked] = leiden(values, reference.scale, resolution, seed=0).astype(np.int32)
    return _GROUPED[asked]


@dataclass(frozen=True)
class Centroids:
    """Groups of reference cells, and what they express in log1p at 10,000 counts per cell.

    kind: "zero" and "shuffled" are controls (methods.md §1.6): nothing, or each gene's values dealt to other groups."""

    reference: Cells
    members: NDArray[np.int32]
    kind: str
    seed: int

    @property
    def count(self) -> int:
        return int(self.members.max()) + 1

    def means(self, genes: Sequence[str]) -> Floats:
        """K x len(genes): the groups' mean log expression."""
        return self._as_control(self._moments[0], genes)

    def standard(self, genes: Sequence[str]) -> Floats:
        """K x len(genes): the means as z-scores by the gene's mean and deviation over reference cells; a gene that is
        constant in the reference is 0 everywhere."""
        centre, deviation = self.levels(genes)
        return (self.means(genes) - (centre if self.kind != "zero" else 0.0)) * _inverse(deviation)

    def doubt(self, genes: Sequence[str]) -> Floats:
        """K x len(genes): variance within the groups, in units of the gene's variance over all reference cells."""
        columns = self._columns(genes)
        return np.asarray(self._moments[1][:, columns] * _inverse(self.levels(genes)[1]) ** 2, dtype=np.float32)

    def levels(self, genes: Sequence[str]) -> tuple[Floats, Floats]:
        """Each gene's mean and deviation over all reference cells."""
        columns, weight = self._columns(genes), np.bincount(self.members) / len(self.members)
        means, within = (part[:, columns].astype(np.float64) for part in self._moments)
        centre = weight @ means
        variance = weight @ (within + (means - centre) ** 2)
        return centre.astype(np.float32), np.sqrt(variance).astype(np.float32)

    def _as_control(self, values: Floats, genes: Sequence[str]) -> Floats:
        chosen = values[:, self._columns(genes)]
        if self.kind == "zero":
            return np.zeros_like(chosen)
        if self.kind == "shuffled":
            # Named by the gene, so that a gene is dealt alike whatever is asked for beside it.
            orders = [stream(self.seed, f"casper/shuffled/{gene}").permutation(self.count) for gene in genes]
            return np.take_along_axis(chosen, np.stack(orders, axis=1), axis=0)
        return chosen

    def _columns(self, genes: Sequence[str]) -> list[int]:
        return [self._place[gene] for gene in genes]

    @cached_property
    def _place(self) -> dict[str, int]:
        return {gene: column for column, gene in enumerate(self.reference.genes)}

    @cached_property
    def _moments(self) -> tuple[Floats, Floats]:
        """Mean and variance of each group, K x all the reference's genes."""
        logged = log_normalise(self.reference.expression, self.reference.scale)
        size = np.bincount(self.members)
        cells = np.arange(len(self.members))
        average = csr_matrix((1.0 / size[self.members], (self.members, cells)), shape=(self.count, len(cells)))
        mean = np.asarray((average @ logged).todense())
        square = np.asarray((average @ logged.power(2)).todense())
        return mean.astype(np.float32), np.maximum(square - mean**2, 0.0).astype(np.float32)


def _inverse(deviation: Floats) -> Floats:
    return np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > _CONSTANT)
