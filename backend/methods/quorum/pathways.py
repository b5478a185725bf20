"""How alike two genes are, going by the pathways that they share: a kernel over genes too, so the two can be added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from backend.analysis.gene_sets import LIBRARIES, load
from backend.errors import NotFound
from backend.methods.contract import Floats

LARGEST_SET = 300


@dataclass(frozen=True)
class Pathways:
    """sets: gene in upper case -> (number of the set, 1 / sqrt(its size)). inputs: input genes x sets, of length 1."""

    sets: dict[str, list[tuple[int, float]]]
    count: int
    inputs: csr_matrix

    @staticmethod
    def of(inputs: Sequence[str], used: bool = True) -> Pathways:
        """GO Biological Process sets of at most 300 genes, at least two of them inputs. None where the library is not
        installed, or not `used`."""
        known, found, count = {gene.upper() for gene in inputs}, dict[str, list[tuple[int, float]]](), 0
        for names in _library() if used else ():
            upper = {name.upper() for name in names}
            if len(upper) <= LARGEST_SET and len(upper & known) >= 2:
                for name in upper:
                    found.setdefault(name, []).append((count, len(upper) ** -0.5))
                count += 1
        return Pathways(found, count, _rows(found, count, inputs))

    def to(self, genes: Sequence[str]) -> Floats:
        """|inputs| x len(genes): cosines of the genes' memberships. Symbols are compared in upper case, so that mouse
        genes meet their human namesakes; a gene of no set is like none."""
        found = (self.inputs @ _rows(self.sets, self.count, genes).T).todense()
        return np.asarray(found, dtype=np.float32)


def _rows(sets: dict[str, list[tuple[int, float]]], count: int, genes: Sequence[str]) -> csr_matrix:
    member = [sets.get(gene.upper(), []) for gene in genes]
    ends = np.cumsum([0, *map(len, member)])
    columns = np.array([column for row in member for column, _ in row], dtype=np.int64)
    length = [np.sqrt(sum(weight**2 for _, weight in row)) for row in member]
    weights = np.array([weight / size for row, size in zip(member, length, strict=True) for _, weight in row])
    return csr_matrix((weights, columns, ends), shape=(len(genes), max(1, count)))


def _library() -> Sequence[tuple[str, ...]]:
    try:
        return tuple(load(next(iter(LIBRARIES))).sets.values())
    except NotFound:
        return ()
