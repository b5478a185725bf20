"""Comparator *gene-mean*: each gene's mean, the same in every cell. What a method adds must show beside it.

Unmeasured gene: the gene's share of the reference's input counts, at the tissue's median depth. Unseen region: the mean
of the known cells."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from backend.datasets.expression import linear
from backend.methods.imputation import FoldView, Imputed, depths
from backend.methods.reference.genes.adapter import Comparator, Learned, Task
from backend.methods.reference.genes.cards import GENE_MEAN
from backend.methods.reference.genes.scaled import known_columns


def learn(task: Task) -> Learned:
    view = task.view
    means = _expected(view) if view.known is None else _known(view)

    def answer(genes: tuple[str, ...]) -> Imputed:
        row = np.array([means[gene] for gene in genes], dtype=np.float32)
        return Imputed(np.tile(row, (view.tissue.n_cells, 1)), genes, units="tissue")

    return Learned(answer)


def _known(view: FoldView) -> dict[str, float]:
    return dict(zip(view.target_genes, known_columns(view).read(view.target_genes).mean(axis=0)))


def _expected(view: FoldView) -> dict[str, float]:
    """Per reference gene: log1p of the counts that a tissue cell of median depth should have of it."""
    plain = csr_matrix(linear(view.reference.expression, view.reference.scale))
    mean = np.asarray(plain.mean(axis=0), dtype=np.float64).ravel()
    inputs = set(view.input_genes)
    total = mean[[gene in inputs for gene in view.reference.genes]].sum()
    middle = float(np.median(depths(view.tissue)))
    expected = np.log1p(mean * (middle / total if total > 0 else 0.0))
    return dict(zip(view.reference.genes, expected))


METHOD = Comparator(GENE_MEAN, learn)
