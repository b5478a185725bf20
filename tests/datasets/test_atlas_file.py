"""A published atlas as CELLxGENE writes it: X log-normalised, counts in raw, Ensembl rows, symbols in a column."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from backend.datasets.canonical import Canonical
from backend.datasets.doctor import examine
from backend.datasets.readers import read
from backend.records import Answers

SYMBOLS = ("CD3E", "EPCAM", "MS4A1", "ACTA2", "KRT8", "CXCR4", "GAPDH", "PECAM1", "LYZ", "CD68", "VWF", "PTPRC")
IDS = [f"ENSG{number:011d}" for number in range(1, len(SYMBOLS) + 1)]  # of no gene: only the column can name them
CELLS = 90
NARROWING = ("tissue", "tissue_general", "assay", "development_stage", "suspension_type")


def write_atlas(path: Path, raw_columns: tuple[str, ...] = ("feature_name",), measures: int = 0) -> np.ndarray:
    """Writes the file and returns its counts, cells x genes."""
    rng = np.random.default_rng(0)
    counts = rng.poisson(rng.gamma(1, 3, (CELLS, len(SYMBOLS)))).astype(np.float32) + 1
    var = pd.DataFrame(
        {"feature_is_filtered": False, "feature_name": pd.Categorical(SYMBOLS), "feature_biotype": "gene"}, index=IDS
    )
    cells = [f"c{i}" for i in range(CELLS)]
    obs = pd.DataFrame({f"measure_{i}": rng.random(CELLS) for i in range(measures)}, index=cells)
    obs["cell_type"] = pd.Categorical(["T cell", "B cell", "tumour"] * (CELLS // 3))
    for name, values in (
        ("tissue", ("upper lobe", "lung")), ("tissue_general", ("lung",)), ("disease", ("normal", "cancer")),
        ("donor_id", ("d1", "d2", "d3")), ("assay", ("10x 3' v2", "Smart-seq2")), ("development_stage", ("adult",)),
        ("suspension_type", ("cell", "nucleus")),
    ):  # fmt: skip
        obs[name] = pd.Categorical([values[i % len(values)] for i in range(CELLS)])
    adata = anndata.AnnData(csr_matrix(counts), obs=obs, var=var)
    adata.raw = anndata.AnnData(csr_matrix(counts), obs=obs, var=var[list(raw_columns)])
    adata.X = csr_matrix(np.log1p(counts / counts.sum(axis=1, keepdims=True) * 1e4))
    adata.write_h5ad(path)
    return counts


def examined(path: Path) -> Canonical:
    return examine(read([path], 500), "reference", Answers()).require()


@pytest.mark.parametrize("raw_columns", [("feature_name",), ()])
def test_counts_are_taken_from_raw_and_symbols_from_the_column(tmp_path: Path, raw_columns: tuple[str, ...]) -> None:
    counts = write_atlas(tmp_path / "atlas.h5ad", raw_columns)
    atlas = examined(tmp_path / "atlas.h5ad")
    assert (atlas.counts_from, atlas.scale, atlas.species) == ("raw", "counts", "human")
    np.testing.assert_array_equal(atlas.values.toarray(), counts)
    assert tuple(atlas.genes.index) == SYMBOLS
    assert list(atlas.genes["ensembl"]) == IDS
    assert atlas.columns == {"type": "cell_type", "patient": "donor_id", "condition": "disease"}


def test_what_narrows_an_atlas_down_is_kept_however_many_measures_come_first(tmp_path: Path) -> None:
    write_atlas(tmp_path / "atlas.h5ad", measures=50)
    kept = examined(tmp_path / "atlas.h5ad").obs
    assert set(NARROWING) <= set(kept)
    assert sum(name.startswith("measure_") for name in kept) == 30 - len(NARROWING)


def test_raw_with_more_genes_than_x_keeps_them_all(tmp_path: Path) -> None:
    write_atlas(tmp_path / "atlas.h5ad", raw_columns=())
    adata = anndata.read_h5ad(tmp_path / "atlas.h5ad")
    whole = adata.raw.to_adata()
    fewer = adata[:, IDS[:8]].copy()
    fewer.raw = whole
    fewer.write_h5ad(tmp_path / "fewer.h5ad")
    atlas = examined(tmp_path / "fewer.h5ad")
    assert atlas.values.shape == (CELLS, len(SYMBOLS))
    assert list(atlas.genes.index[:8]) == list(SYMBOLS[:8])
    assert list(atlas.genes.index[8:]) == IDS[8:]  # nothing in the file names these


def test_a_file_as_anndatar_writes_a_seurat_object(tmp_path: Path) -> None:
    """No X: `counts` and `data` are layers."""
    counts = write_atlas(tmp_path / "atlas.h5ad")
    adata = anndata.read_h5ad(tmp_path / "atlas.h5ad")
    seurat = anndata.AnnData(obs=adata.obs, var=pd.DataFrame(index=list(SYMBOLS)))
    seurat.layers["data"], seurat.layers["counts"] = adata.X, csr_matrix(counts)
    seurat.write_h5ad(tmp_path / "seurat.h5ad")
    atlas = examined(tmp_path / "seurat.h5ad")
    assert (atlas.counts_from, atlas.scale) == ("layers/counts", "counts")
    np.testing.assert_array_equal(atlas.values.toarray(), counts)
