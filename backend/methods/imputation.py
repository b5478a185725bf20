"""What a method that completes a tissue's panel may read, and what it gives back (docs/methods.md, "Imputation").

A fold hides some genes of the tissue. What a method sees of the tissue is the other genes and the coordinates; size
factors, filters, clusters and every choice come from those. The reference is not held out: all of it may be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from backend.datasets.expression import linear
from backend.methods.contract import Cells, Config, Floats, MethodCard, RunContext


@dataclass(frozen=True)
class Known:
    """*Measured gene, unseen region* only: what some tissue cells were measured to express of the genes asked for.

    rows: of the tissue, sorted. expression: len(rows) x len(target_genes), in the tissue's scale."""

    rows: NDArray[np.intp]
    expression: csr_matrix


@dataclass(frozen=True)
class FoldView:
    """All that an imputation may read.

    tissue: n cells x input genes, with coordinates and sections; every cell has at least one count of them.
    reference: m cells x all its genes, named as in the tissue; it holds every input gene and every target gene.
    target_genes: the genes to impute, sorted; none is an input gene. known: see `Known`; None: the gene was never
    measured in any cell."""

    tissue: Cells
    reference: Cells
    target_genes: tuple[str, ...]
    known: Known | None = None

    @property
    def input_genes(self) -> tuple[str, ...]:
        return self.tissue.genes


@dataclass(frozen=True)
class Imputed:
    """values: n tissue cells x len(genes), float32, finite. doubt: the method's own doubt in each
    gene (any positive scale; small is sure), or None. units: "tissue": log1p of counts at the tissue's
    median depth, as `log_tissue` gives; "reference": another non-negative scale; "arbitrary": only the order means
    anything."""

    values: Floats
    genes: tuple[str, ...]
    doubt: Floats | None = None
    units: Literal["tissue", "reference", "arbitrary"] = "reference"


@dataclass(frozen=True)
class Attention:
    """Where a prediction was read from. weights: n tissue cells x K centroids, rows sum to 1, heads averaged.
    members: for each reference cell the centroid that it belongs to (0 to K-1)."""

    weights: Floats
    members: NDArray[np.int32]


class FittedImputer(Protocol):
    """Tied to the view it was fitted on: it imputes that tissue's cells."""

    stopped_at: int | None

    def impute(self, genes: tuple[str, ...], run: RunContext) -> Imputed:
        """Any of the view's target genes, for all cells of its tissue. Asked in portions where there are many."""
        ...

    def attention(self) -> Attention | None: ...

    def save(self, folder: Path) -> None:
        """`manifest.json`, and `weights.safetensors` where there are weights. Never pickle."""
        ...


class Imputer(Protocol):
    card: MethodCard

    def fit(self, view: FoldView, config: Config, run: RunContext) -> FittedImputer: ...
    def load(self, folder: Path, view: FoldView) -> FittedImputer: ...


def log_tissue(cells: Cells) -> Floats:
    """n x genes, dense: log1p of counts scaled to the median total over these genes alone (methods.md, trap 5)."""
    return log_at_depth(linear(cells.expression, cells.scale), depths(cells))


def log_at_depth(counts: csr_matrix, total: NDArray[np.float64]) -> Floats:
    """n x genes, dense: log1p of linear values, each cell scaled from its `total` to the median of those above 0."""
    middle = float(np.median(total[total > 0])) if (total > 0).any() else 1.0
    factor = np.divide(middle, total, out=np.zeros_like(total), where=total > 0)
    return np.log1p(np.asarray((diags(factor) @ counts).todense(), dtype=np.float32))


def depths(cells: Cells) -> NDArray[np.float64]:
    """Each cell's total over the genes given, before any logarithm."""
    return np.asarray(linear(cells.expression, cells.scale).sum(axis=1), dtype=np.float64).ravel()


def log_reference(reference: Cells, genes: tuple[str, ...], target: float = 1e4) -> Floats:
    """m x len(genes), dense: log1p of expression scaled to `target` per cell over all the reference's genes."""
    place = {gene: column for column, gene in enumerate(reference.genes)}
    chosen = linear(reference.expression, reference.scale)[:, [place[gene] for gene in genes]]
    total = depths(reference)
    factor = np.divide(target, total, out=np.zeros_like(total), where=total > 0)
    return np.log1p(np.asarray((diags(factor) @ chosen).todense(), dtype=np.float32))
