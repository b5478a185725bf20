"""How alike two genes are: by the reference's cells, and by the pathways that they share.

Every likeness is a kernel over genes, so that their sum is one too. Read from the reference and from published gene
sets alone; the tissue enters only by its composition, through the genes that may be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.methods.contract import Cells, Floats
from backend.methods.imputation import FoldView, log_reference
from backend.methods.quorum.cells import standardised
from backend.methods.reference.genes.scaled import z_scores
from backend.training.batches import stream

MOST_CELLS = 5_000  # of the reference: correlations of genes change little beyond
BANDWIDTH = 0.6  # of a correlation: how fast likeness falls with 1 - r; .4 and .9 scored within 1 %
LARGEST_SET = 300
COMPOSITION_CELLS = 3_000  # of the tissue, to see which reference cells it resembles
SHARPNESS = 0.05  # of a cosine, when a tissue cell reads reference cells


@dataclass(frozen=True)
class Scale:
    """One way to look at the reference: m x |inputs|, each gene of mean 0 and length 1 over the (weighted) cells."""

    name: str
    inputs: Floats


@dataclass(frozen=True)
class Likeness:
    """reference: the cells used. weights: of each of them in the scale "composition" (mean 1)."""

    reference: Cells
    inputs: tuple[str, ...]
    weights: NDArray[np.float32]
    scales: tuple[Scale, ...]

    @staticmethod
    def of(view: FoldView, seed: int, weights: NDArray[np.float32] | None = None) -> Likeness:
        reference = _sampled(view.reference, seed)
        if weights is None:
            weights = composition(view.tissue, reference, seed)
        inputs = view.input_genes
        names = ("log", "detected", "root", "composition")
        looks = (_look(reference, inputs, name, weights) for name in names)
        return Likeness(reference, inputs, weights, tuple(Scale(*pair) for pair in zip(names, looks, strict=True)))

    def to(self, genes: Sequence[str]) -> Floats:
        """|inputs| x len(genes): the mean over scales of exp((r - 1) / bandwidth), r the genes' correlation."""
        total = np.zeros((len(self.inputs), len(genes)), dtype=np.float32)
        for scale in self.scales:
            r = scale.inputs.T @ _look(self.reference, tuple(genes), scale.name, self.weights)
            total += np.exp((np.clip(r, -1, 1) - 1) / BANDWIDTH)
        return np.asarray(total / len(self.scales), dtype=np.float32)


def composition(tissue: Cells, reference: Cells, seed: int) -> NDArray[np.float32]:
    """How much the tissue resembles each reference cell, mean 1: a softmax over cosines on the input genes, summed
    over tissue cells. It lets correlations of genes count the kinds of cells that the tissue is made of."""
    rows = np.arange(tissue.n_cells)
    if len(rows) > COMPOSITION_CELLS:
        rows = np.sort(stream(seed, "composition").choice(rows, COMPOSITION_CELLS, replace=False))
    asked = _unit_rows(standardised(replace(tissue, expression=tissue.expression[rows], coordinates=None), "log"))
    known = _unit_rows(z_scores(log_reference(reference, tissue.genes)))
    cosine = asked @ known.T
    read = np.exp((cosine - cosine.max(axis=1, keepdims=True)) / SHARPNESS)
    weights = (read / read.sum(axis=1, keepdims=True)).sum(axis=0)
    weights = weights / weights.mean() + 1e-6
    # The square root: the tissue's kinds of cells count more, and the others still say how genes go together.
    return np.asarray(np.sqrt(weights), dtype=np.float32)


def pathway_likeness(inputs: Sequence[str], genes: Sequence[str]) -> Floats:
    """|inputs| x len(genes): cosine of the genes' memberships in GO Biological Process sets (at most 300 genes, at
    least two of them inputs), a set weighing 1 / sqrt(its size). Symbols are compared in upper case, so that mouse
    genes meet their human namesakes. Zero where the library is not installed."""
    from backend.analysis.gene_sets import LIBRARIES, load
    from backend.errors import NotFound

    try:
        library = load(next(iter(LIBRARIES))).sets.values()
    except NotFound:
        return np.zeros((len(inputs), len(genes)), dtype=np.float32)
    known = {gene.upper() for gene in inputs}
    sets = [names for names in library if len(names) <= LARGEST_SET and sum(n.upper() in known for n in names) >= 2]
    return np.asarray((_members(inputs, sets) @ _members(genes, sets).T).todense(), dtype=np.float32)


def _members(genes: Sequence[str], sets: Sequence[Sequence[str]]) -> csr_matrix:
    place: dict[str, list[int]] = {}
    for row, gene in enumerate(genes):
        place.setdefault(gene.upper(), []).append(row)
    found = [
        (row, column, 1 / np.sqrt(len(names)))
        for column, names in enumerate(sets)
        for name in dict.fromkeys(name.upper() for name in names)
        for row in place.get(name, ())
    ]
    rows, columns, weights = zip(*found, strict=True) if found else ((), (), ())
    table = csr_matrix((weights, (rows, columns)), shape=(len(genes), max(1, len(sets))))
    length = np.sqrt(np.asarray(table.multiply(table).sum(axis=1)).ravel())
    return csr_matrix(table.multiply(np.divide(1, length, out=np.zeros_like(length), where=length > 0)[:, None]))


def _look(reference: Cells, genes: tuple[str, ...], name: str, weights: NDArray[np.float32]) -> Floats:
    """m x genes on one scale, centred and of length 1: products are (weighted) correlations over reference cells."""
    values = log_reference(reference, genes)
    if name == "detected":
        values = (values > 0).astype(np.float32)
    elif name == "root":
        values = np.sqrt(np.expm1(values))
    if name != "composition":
        return np.asarray(z_scores(values) / np.sqrt(len(values)), dtype=np.float32)
    share = weights / weights.sum()
    scores = z_scores(values)
    centred = (scores - share @ scores) * np.sqrt(share)[:, None]
    return np.asarray(centred / np.maximum(np.linalg.norm(centred, axis=0), 1e-6), dtype=np.float32)


def _sampled(reference: Cells, seed: int) -> Cells:
    if reference.n_cells <= MOST_CELLS:
        return reference
    rows = np.sort(stream(seed, "reference").choice(reference.n_cells, MOST_CELLS, replace=False))
    return replace(reference, expression=reference.expression[rows])


def _unit_rows(values: Floats) -> Floats:
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-6), dtype=np.float32)
