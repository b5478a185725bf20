"""A tissue and a reference, whole, as the harness holds them; a method sees only the views that are cut from it.

A pair is read from two files by bench/files.py, and from data sets that were added by ../imputed/opened.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.methods.contract import Cells
from backend.methods.imputation import FoldView, Known, depths


@dataclass(frozen=True)
class GenePair:
    """tissue: n cells x all its genes, with coordinates; reference: m cells x all its genes, named as in the tissue.
    shared: the genes of both, sorted once: by name alone, so that no measured value decides what is scored."""

    tissue: Cells
    reference: Cells

    @property
    def shared(self) -> tuple[str, ...]:
        return tuple(sorted(set(self.tissue.genes) & set(self.reference.genes)))


@dataclass(frozen=True)
class Seen:
    """view: what a method may read. rows: the tissue cells that it holds, those with a count among the inputs."""

    view: FoldView
    rows: NDArray[np.intp]


def cut_view(
    pair: GenePair, inputs: Sequence[str], targets: Sequence[str], train: NDArray[np.intp] | None = None
) -> Seen:
    """The view of one fold. train: tissue rows whose target genes may be read (*unseen region*); None: nobody's."""
    if set(inputs) & set(targets):
        raise ValueError("a target gene among the inputs")
    tissue = pair.tissue.of_genes(inputs)
    rows = np.flatnonzero(depths(tissue) > 0)
    view = FoldView(tissue.of_rows(rows), pair.reference, tuple(targets))
    if train is None:
        return Seen(view, rows)
    known = np.flatnonzero(np.isin(rows, train))
    values = pair.tissue.of_genes(targets).expression[rows[known]]
    return Seen(replace(view, known=Known(known, csr_matrix(values))), rows)
