"""What an imputed gene is compared with (methods.md §8: T1, T2, T3). The same predictions are scored against any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from backend.datasets.expression import linear
from backend.evaluation.genes.regions import casper_seed42
from backend.evaluation.genes.source import GenePair, Seen
from backend.methods.contract import Cells, Floats
from backend.methods.imputation import depths, log_at_depth

TruthName = Literal["T1", "T2", "T3"]
_GENE_DENSITY, _CELL_DENSITY, _CLIP_SD, _HVG_TISSUE, _HVG_REFERENCE = 0.05, 0.1, 2.0, 1000, 2000  # methods.md §2.1


@dataclass(frozen=True)
class Truth:
    """values: cells of the view x targets, NaN for a gene that is not scored. rows: of the view, that are scored."""

    values: Floats
    rows: NDArray[np.intp]


def truth_of(name: TruthName, pair: GenePair, seen: Seen, targets: Sequence[str]) -> Truth:
    """T1: at the depth of the input genes, all cells. T2: SpaGene's, square roots of clipped counts of its cells and
    genes. T3: CASPER's, log1p at 10,000 counts, its random fifth of the cells."""
    every = np.arange(len(seen.rows))
    if name == "T1":
        return Truth(at_input_depth(pair.tissue, seen, targets), every)
    if name == "T2":
        return _spagene(pair, seen, targets)
    counts = _linear(pair.tissue)
    total = np.maximum(np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()[seen.rows], 1e-12)
    values = _dense(diags(1e4 / total) @ _linear(pair.tissue.of_genes(targets))[seen.rows])
    return Truth(np.log1p(values), np.flatnonzero(np.isin(seen.rows, casper_seed42(pair.tissue.n_cells).test)))


def at_input_depth(tissue: Cells, seen: Seen, targets: Sequence[str]) -> Floats:
    """T1, the primary truth: log1p of the targets' counts, scaled by size factors of the input genes alone.

    n cells of the view x len(targets). A total that held the targets would tell of them (trap 5)."""
    total = depths(seen.view.tissue)
    return log_at_depth(_linear(tissue.of_genes(targets))[seen.rows], total)


def _spagene(pair: GenePair, seen: Seen, targets: Sequence[str]) -> Truth:
    """T2 (methods.md §2.1): cells that express more than a tenth of the kept genes; genes that vary most in both; per
    gene clipped two standard deviations above the mean of what is positive; square root; no size factors."""
    counts = _linear(pair.tissue)
    seen_in = np.asarray((counts > 0).mean(axis=0)).ravel()
    kept = (seen_in > _GENE_DENSITY) | np.isin(pair.tissue.genes, pair.shared)
    share = np.asarray((counts[:, kept] > 0).mean(axis=1)).ravel()
    rows = np.flatnonzero(share[seen.rows] > _CELL_DENSITY)
    values = _dense(_linear(pair.tissue.of_genes(targets))[seen.rows])
    positive = np.where(values > 0, values, np.nan)
    with np.errstate(invalid="ignore"):
        seen_any = (values > 0).any(axis=0)
        top = np.full(values.shape[1], np.inf)
        top[seen_any] = np.nanmean(positive[:, seen_any], axis=0) + _CLIP_SD * np.nanstd(positive[:, seen_any], axis=0)
    values = np.sqrt(np.maximum(np.minimum(values, top), 0.0)).astype(np.float32)
    both = _most_variable(pair.tissue, _HVG_TISSUE) & _most_variable(pair.reference, _HVG_REFERENCE)
    values[:, [gene not in both for gene in targets]] = np.nan
    return Truth(values, rows)


def _most_variable(cells: Cells, number: int) -> set[str]:
    """Seurat v3's rule: variance of values that are standardised by the spread that their mean lets one expect, clipped
    at the root of the number of cells. The trend is a parabola of log variance on log mean, where Seurat's is loess."""
    if len(cells.genes) <= number:
        return set(cells.genes)
    counts = csr_matrix(_linear(cells), dtype=np.float64)
    n = counts.shape[0]
    mean = np.asarray(counts.mean(axis=0)).ravel()
    variance = (np.asarray(counts.multiply(counts).mean(axis=0)).ravel() - mean**2) * n / max(1, n - 1)
    used = np.flatnonzero(variance > 0)
    x, y = np.log10(mean[used]), np.log10(variance[used])
    spread = np.sqrt(10 ** np.polyval(np.polyfit(x, y, 2), x))
    chosen = csr_matrix(counts[:, used])
    clipped = csr_matrix(chosen.minimum(_ceilings(chosen, mean[used] + np.sqrt(n) * spread)))
    total, square = (np.asarray(part.sum(axis=0)).ravel() for part in (clipped, clipped.multiply(clipped)))
    standardised = (square - 2 * mean[used] * total + n * mean[used] ** 2) / (max(1, n - 1) * spread**2)
    return {cells.genes[used[column]] for column in np.argsort(-standardised, kind="stable")[:number]}


def _ceilings(values: csr_matrix, top: NDArray[np.float64]) -> csr_matrix:
    """Where `values` holds something, its column's largest allowed value."""
    return csr_matrix((top[values.indices], values.indices, values.indptr), shape=values.shape)


def _linear(cells: Cells) -> csr_matrix:
    """Nobody has looked at hidden values before: below zero there is no expression."""
    return csr_matrix(linear(cells.expression, cells.scale)).maximum(0)


def _dense(values: csr_matrix) -> Floats:
    return np.asarray(values.todense(), dtype=np.float32)
