"""Scales of expression, and the map of cells that is made from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from backend.records import Scale

UMAP_CELLS = 20_000
_FEWEST_CELLS, _FEWEST_GENES = 30, 10


def linear(values: csr_matrix, scale: Scale) -> csr_matrix:
    """Undo log1p where the scale is `log`; else the values as they are."""
    return values.expm1() if scale == "log" else values


def log_normalise(values: csr_matrix, scale: Scale, target: float = 1e4) -> csr_matrix:
    """log1p of expression scaled to `target` per cell, over just the genes given. Empty cells stay zero."""
    plain = linear(values, scale)
    total = np.asarray(plain.sum(axis=1), dtype=np.float64).ravel()
    factors = np.divide(target, total, out=np.zeros_like(total), where=total > 0)
    return csr_matrix(diags(factors.astype(np.float32)) @ plain, dtype=np.float32).log1p()


def umap(values: csr_matrix, scale: Scale) -> NDArray[np.float32] | None:
    """UMAP of n_cells x n_genes: 2,000 variable genes, 30 principal components, seed 0 (scanpy's defaults else).

    n_cells x 2; above `UMAP_CELLS` a random part is embedded and the others are NaN. None where cells or genes are too
    few for a map to mean anything.
    """
    n_cells, n_genes = values.shape
    if n_cells < _FEWEST_CELLS or n_genes < _FEWEST_GENES:
        return None
    rows = np.arange(n_cells)
    if n_cells > UMAP_CELLS:
        rows = np.sort(np.random.default_rng(0).choice(n_cells, UMAP_CELLS, replace=False))
    points = np.full((n_cells, 2), np.nan, dtype=np.float32)
    points[rows] = _graph_of(values[rows], scale, embed=True).obsm["X_umap"]
    return points


def leiden(values: csr_matrix, scale: Scale, resolution: float, seed: int) -> NDArray[np.int64]:
    """Leiden communities (igraph flavour, 2 iterations) of the neighbour graph: n_cells integers, largest first."""
    import scanpy

    adata = _graph_of(values, scale, embed=False)
    scanpy.tl.leiden(adata, resolution=resolution, flavor="igraph", n_iterations=2, directed=False, random_state=seed)
    labels = np.asarray(adata.obs["leiden"].astype(int), dtype=np.int64)
    by_size = np.argsort(-np.bincount(labels), kind="stable")
    return np.asarray(np.argsort(by_size)[labels], dtype=np.int64)


def _graph_of(values: csr_matrix, scale: Scale, *, embed: bool):  # type: ignore[no-untyped-def]  # lazy anndata
    import anndata
    import scanpy

    logged = values if scale == "log" else log_normalise(values, scale)
    adata = anndata.AnnData(csr_matrix(logged, dtype=np.float32))
    if adata.n_vars > 2000:
        scanpy.pp.highly_variable_genes(adata, n_top_genes=2000)
        adata = adata[:, adata.var["highly_variable"]].copy()
    n_components = min(30, adata.n_obs - 1, adata.n_vars - 1)
    scanpy.pp.pca(adata, n_comps=n_components, random_state=0)
    # Exact neighbours at any size: above 8,192 cells scanpy would ask pynndescent, whose late releases it cannot read.
    scanpy.pp.neighbors(adata, n_neighbors=min(15, adata.n_obs - 1), transformer="sklearn", random_state=0)
    if embed:
        scanpy.tl.umap(adata, random_state=0)
    return adata
