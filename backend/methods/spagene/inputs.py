"""What SpaGene reads: filtered, scaled, clipped, square-rooted expression (paper, "Data processing"; methods.md §2.1).

Everything of the tissue comes from its input genes; a target gene's values are read in the reference alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix, diags

from backend.methods.contract import Cells, Floats
from backend.methods.imputation import FoldView
from backend.methods.spagene.config import SpageneConfig

LEAST_GENE_DENSITY = 0.05
CLIP_SDS = 2.0
FEWEST_CELLS = 50
PER_CELL = 1e4


@dataclass(frozen=True)
class TissueReading:
    """How tissue cells become network input, whatever cells are asked: kept with the weights.

    genes: the input genes that are read. limits: per gene, the highest value before the square root. depth: the total
    over all input genes to which each cell is scaled; 0: not scaled."""

    genes: tuple[str, ...]
    limits: Floats
    depth: float

    def read(self, tissue: Cells) -> Floats:
        """n x len(genes)."""
        return _root(_take(scaled(linear(tissue), self.depth), tissue.genes, self.genes), self.limits)


@dataclass(frozen=True)
class ReferenceReading:
    """The reference made comparable: m x all its genes, linear, and the genes that the networks know."""

    values: csc_matrix
    genes: tuple[str, ...]
    core: tuple[str, ...]

    def read(self, genes: tuple[str, ...]) -> Floats:
        """m x len(genes), clipped and square-rooted as for training."""
        chosen = _take(self.values, self.genes, genes)
        return _root(chosen, clip_limits(chosen))


@dataclass(frozen=True)
class Problem:
    """tissue: n x I; reference: m x core genes, of which `shared` are the places of the tissue's genes, in its order.
    tissue_rows, reference_rows: the cells that pass the density filter; all others are imputed, not trained on."""

    tissue: Floats
    reference: Floats
    shared: NDArray[np.intp]
    tissue_rows: NDArray[np.intp]
    reference_rows: NDArray[np.intp]
    tissue_reading: TissueReading
    reference_reading: ReferenceReading


def build_problem(view: FoldView, config: SpageneConfig) -> Problem:
    """Filter, choose genes, scale, clip and root both sides."""
    counts = linear(view.tissue)
    depth = _median_positive(counts) if config.depth == "matched" else 0.0
    genes = view.input_genes
    if len(genes) > config.tissue_genes:
        genes = _most_variable(counts, genes, config.tissue_genes)
    chosen = _take(scaled(counts, depth), view.input_genes, genes)
    reading = TissueReading(genes, clip_limits(chosen), depth)
    reference = read_reference(view, genes, depth, config)
    tissue_values, reference_values = reading.read(view.tissue), reference.read(reference.core)
    place = {gene: column for column, gene in enumerate(reference.core)}
    return Problem(
        tissue=tissue_values,
        reference=reference_values,
        shared=np.array([place[gene] for gene in genes], dtype=np.intp),
        tissue_rows=dense_cells(tissue_values, config.min_cell_density),
        reference_rows=dense_cells(reference_values, config.min_cell_density),
        tissue_reading=reading,
        reference_reading=reference,
    )


def read_reference(view: FoldView, shared: tuple[str, ...], depth: float, config: SpageneConfig) -> ReferenceReading:
    """`depth` "matched", or no counts: cells scaled to equal totals over all genes, then all by one factor, so that
    the median cell's total over the input genes is the tissue's. Otherwise the counts as they are, as published."""
    values = csr_matrix(linear(view.reference), dtype=np.float64)
    if config.depth == "matched" or view.reference.scale != "counts":
        values = scaled(values, PER_CELL)
        inputs = _median_positive(_take(values, view.reference.genes, view.input_genes))
        tissue = depth or _median_positive(linear(view.tissue))
        values = values * (tissue / inputs)
    known = set(shared)
    others = tuple(gene for gene in view.reference.genes if gene not in known)
    missing = min(max(config.reference_genes - len(known), 0), len(others))
    fill = _most_variable(_take(values, view.reference.genes, others), others, missing) if missing else ()
    return ReferenceReading(csc_matrix(values), view.reference.genes, tuple(sorted({*fill, *shared})))


def linear(cells: Cells) -> csr_matrix:
    return cells.expression.expm1() if cells.scale == "log" else cells.expression


def scaled(values: csr_matrix, total: float) -> csr_matrix:
    """Each row brought to `total`; 0 leaves them as they are. Empty rows stay empty."""
    if total == 0:
        return values
    sums = np.asarray(values.sum(axis=1), dtype=np.float64).ravel()
    return csr_matrix(diags(np.divide(total, sums, out=np.zeros_like(sums), where=sums > 0)) @ values)


def clip_limits(values: csr_matrix) -> Floats:
    """Per gene: mean + 2 s.d. of the cells where it is above 0."""
    columns = csc_matrix(values)
    n = np.maximum(np.diff((columns > 0).tocsc().indptr), 1)
    mean = np.asarray(columns.sum(axis=0)).ravel() / n
    square = np.asarray(columns.multiply(columns).sum(axis=0)).ravel() / n
    return np.asarray(mean + CLIP_SDS * np.sqrt(np.maximum(square - mean**2, 0)), dtype=np.float32)


def dense_cells(values: Floats, least: float) -> NDArray[np.intp]:
    """Rows with more than `least` of the genes above 0; all rows where fewer than 50 would be left."""
    rows = np.flatnonzero((values > 0).mean(axis=1) > least)
    return rows if len(rows) >= min(FEWEST_CELLS, len(values)) else np.arange(len(values))


def variability(values: csr_matrix) -> NDArray[np.float64]:
    """Per gene: variance of the values standardised by what its mean leads one to expect, as Seurat v3's ranking.

    The trend of log variance on log mean is a parabola here, not a loess."""
    columns = csc_matrix(values, dtype=np.float64)
    m = columns.shape[0]
    mean = np.asarray(columns.mean(axis=0)).ravel()
    variance = np.asarray(columns.multiply(columns).mean(axis=0)).ravel() - mean**2
    varies = (variance > 0) & (mean > 0)
    if varies.sum() < 3:
        return np.where(varies, variance, 0.0)
    x, y = np.log10(mean[varies]), np.log10(variance[varies])
    expected = np.ones_like(mean)
    expected[varies] = np.sqrt(10 ** np.polyval(np.polyfit(x, y, 2), x))
    stored = np.diff(columns.indptr)
    gene = np.repeat(np.arange(len(mean)), stored)
    standard = np.minimum((columns.data - mean[gene]) / expected[gene], np.sqrt(m))
    of_zeros = (m - stored) * (mean / expected) ** 2
    return np.where(varies, (np.bincount(gene, standard**2, minlength=len(mean)) + of_zeros) / max(m - 1, 1), 0.0)


def _most_variable(values: csr_matrix, genes: tuple[str, ...], count: int) -> tuple[str, ...]:
    """The `count` most variable genes of those found in more than 5 % of the cells, sorted by name."""
    density = np.diff((csc_matrix(values) > 0).tocsc().indptr) / max(values.shape[0], 1)
    rank = np.where(density > LEAST_GENE_DENSITY, variability(values), -1.0)
    return tuple(sorted(genes[column] for column in np.argsort(-rank, kind="stable")[:count]))


def _take(values: csr_matrix | csc_matrix, names: tuple[str, ...], genes: tuple[str, ...]) -> csr_matrix:
    if names == genes:
        return csr_matrix(values)
    place = {gene: column for column, gene in enumerate(names)}
    return csr_matrix(values[:, [place[gene] for gene in genes]])


def _root(values: csr_matrix, limits: Floats) -> Floats:
    """sqrt(min(value, limit)), dense."""
    return np.sqrt(np.minimum(np.asarray(values.todense(), dtype=np.float32), limits))


def _median_positive(values: csr_matrix) -> float:
    totals = np.asarray(values.sum(axis=1), dtype=np.float64).ravel()
    return float(np.median(totals[totals > 0])) if (totals > 0).any() else 1.0
