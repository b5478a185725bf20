"""How alike two genes are, going by the reference's cells.

A kernel over genes. The tissue enters only by its composition, through the genes that may be read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backend.datasets.expression import log_normalise
from backend.methods.contract import Cells, Floats
from backend.methods.imputation import FoldView
from backend.methods.quorum.cells import standardised
from backend.methods.reference.genes.scaled import LogColumns, z_scores
from backend.training.batches import stream

MOST_CELLS = 5_000  # of the reference: correlations of genes change little beyond
BANDWIDTH = 0.6  # of a correlation: how fast likeness falls with 1 - r; .4 and .9 scored within 1 %
COMPOSITION_CELLS = 3_000  # of the tissue, to see which reference cells it resembles
SHARPNESS = 0.05  # of a cosine, when a tissue cell reads reference cells


SCALES = ("log", "detected", "root", "composition")


@dataclass(frozen=True)
class Likeness:
    """columns: log-normalised expression of the m reference cells used. level: the same of the input genes, dense.
    weights: of each cell in the scale "composition" (mean 1). inputs: per scale m x |inputs|, each gene of mean 0 and
    length 1 over the (weighted) cells."""

    columns: LogColumns
    weights: Floats
    inputs: dict[str, Floats]
    level: Floats

    @staticmethod
    def of(view: FoldView, seed: int, weights: Floats | None = None) -> Likeness:
        reference = _sampled(view.reference, seed)
        columns = LogColumns(log_normalise(reference.expression, reference.scale), reference.genes)
        level = columns.read(view.input_genes)
        if weights is None:
            weights = composition(view.tissue, level, seed)
        return Likeness(columns, weights, {scale: _look(level, scale, weights) for scale in SCALES}, level)

    def to(self, level: Floats) -> Floats:
        """|inputs| x genes: the mean over scales of exp((r - 1) / bandwidth), r the genes' correlation. level: m x
        genes, log-normalised, as `columns` gives."""
        total = np.zeros((self.level.shape[1], level.shape[1]), dtype=np.float32)
        for scale, inputs in self.inputs.items():
            r = inputs.T @ _look(level, scale, self.weights)
            total += np.exp((np.clip(r, -1, 1) - 1) / BANDWIDTH)
        return np.asarray(total / len(self.inputs), dtype=np.float32)


def composition(tissue: Cells, level: Floats, seed: int) -> Floats:
    """How much the tissue resembles each reference cell, mean 1: a softmax over cosines on the input genes, summed
    over tissue cells. It lets correlations of genes count the kinds of cells that the tissue is made of.

    level: m reference cells x input genes, log-normalised."""
    rows = np.arange(tissue.n_cells)
    if len(rows) > COMPOSITION_CELLS:
        rows = np.sort(stream(seed, "composition").choice(rows, COMPOSITION_CELLS, replace=False))
    asked = _unit_rows(standardised(tissue.of_rows(rows), "log"))
    known = _unit_rows(z_scores(level))
    cosine = asked @ known.T
    read = np.exp((cosine - cosine.max(axis=1, keepdims=True)) / SHARPNESS)
    weights = (read / read.sum(axis=1, keepdims=True)).sum(axis=0)
    weights = weights / weights.mean() + 1e-6
    # The square root: the tissue's kinds of cells count more, and the others still say how genes go together.
    return np.asarray(np.sqrt(weights), dtype=np.float32)


def _look(level: Floats, scale: str, weights: Floats) -> Floats:
    """m x genes on one scale, centred and of length 1: products are (weighted) correlations over reference cells."""
    if scale == "composition":
        share, scores = weights / weights.sum(), z_scores(level)
        centred = (scores - share @ scores) * np.sqrt(share)[:, None]
        return np.asarray(centred / np.maximum(np.linalg.norm(centred, axis=0), 1e-6), dtype=np.float32)
    if scale == "detected":
        level = (level > 0).astype(np.float32)
    elif scale == "root":
        level = np.sqrt(np.expm1(level))
    return np.asarray(z_scores(level) / np.sqrt(len(level)), dtype=np.float32)


def _sampled(reference: Cells, seed: int) -> Cells:
    if reference.n_cells <= MOST_CELLS:
        return reference
    rows = np.sort(stream(seed, "reference").choice(reference.n_cells, MOST_CELLS, replace=False))
    return reference.of_rows(rows)


def _unit_rows(values: Floats) -> Floats:
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-6), dtype=np.float32)
