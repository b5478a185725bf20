from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_matrix, csr_matrix

from backend.datasets.readers import read
from backend.errors import DataError
from tests.datasets.small_files import CELLS, COUNTS, GENES, PLACES, make_adata, write_h5ad

MAX_MB = 64


def test_matrix_tables_and_coordinates(tmp_path: Path) -> None:
    raw = read([write_h5ad(tmp_path / "a.h5ad")], MAX_MB)
    assert list(raw.matrices) == ["X"]
    assert raw.matrices["X"].values.format == "csr"
    assert raw.matrices["X"].values.dtype == np.float32
    np.testing.assert_array_equal(raw.matrices["X"].values.toarray(), COUNTS)
    assert list(raw.matrices["X"].features.index) == GENES
    assert list(raw.obs.index) == CELLS
    assert list(raw.obs["kind"]) == list("aabbcc")
    np.testing.assert_array_equal(raw.coordinates["obsm/spatial"], PLACES)
    assert raw.source == "a.h5ad"


def test_x_layers_and_raw_are_told_apart(tmp_path: Path) -> None:
    adata = make_adata()
    adata.raw = adata.copy()
    adata = adata[:, ["MS4A1", "ACTB"]].copy()
    adata.X = adata.X.toarray() / 2  # dense
    adata.layers["counts"] = csc_matrix(COUNTS[:, [3, 0]])
    adata.write_h5ad(tmp_path / "a.h5ad")
    raw = read([tmp_path / "a.h5ad"], MAX_MB)
    assert set(raw.matrices) == {"X", "layers/counts", "raw"}
    np.testing.assert_array_equal(raw.matrices["X"].values.toarray(), COUNTS[:, [3, 0]] / 2)
    np.testing.assert_array_equal(raw.matrices["layers/counts"].values.toarray(), COUNTS[:, [3, 0]])
    np.testing.assert_array_equal(raw.matrices["raw"].values.toarray(), COUNTS)
    assert list(raw.matrices["raw"].features.index) == GENES


def test_a_file_whose_counts_are_only_in_a_layer(tmp_path: Path) -> None:
    adata = make_adata()
    adata.layers["counts"], adata.X = adata.X, None
    adata.write_h5ad(tmp_path / "a.h5ad")
    assert list(read([tmp_path / "a.h5ad"], MAX_MB).matrices) == ["layers/counts"]


def test_repeated_names_and_odd_values_are_left_for_the_doctor(tmp_path: Path) -> None:
    adata = make_adata()
    adata.var_names = ["ACTB", "ACTB", "CD3E", "MS4A1"]
    adata.obs_names = ["same"] * 6
    adata.X.data[0] = np.nan
    adata.X.data[1] = -np.inf
    adata.write_h5ad(tmp_path / "a.h5ad")
    raw = read([tmp_path / "a.h5ad"], MAX_MB)
    assert list(raw.matrices["X"].features.index) == ["ACTB", "ACTB", "CD3E", "MS4A1"]
    assert set(raw.obs.index) == {"same"}
    assert np.isnan(raw.matrices["X"].values.data).sum() == 1
    assert np.isinf(raw.matrices["X"].values.data).sum() == 1


def test_columns_of_all_kinds(tmp_path: Path) -> None:
    adata = make_adata()
    adata.obs["missing"] = pd.array([1, None, 3, 4, 5, 6], dtype="Int64")
    adata.obs["whole"] = pd.array([1, 2, 3, 4, 5, 6], dtype="Int64")
    adata.obs["type"] = pd.Categorical(["T", "B", None, "T", "T", "B"])
    adata.obs["flag"] = [True, False] * 3
    adata.write_h5ad(tmp_path / "a.h5ad")
    obs = read([tmp_path / "a.h5ad"], MAX_MB).obs
    assert obs["missing"].dtype == np.float64
    assert np.isnan(obs["missing"].iloc[1])
    assert obs["whole"].dtype == np.int64
    assert list(obs["type"].cat.categories) == ["B", "T"]
    assert obs["type"].isna().sum() == 1
    assert obs["flag"].dtype == bool


def test_an_odd_column_is_left_out_and_said(tmp_path: Path) -> None:
    with h5py.File(write_h5ad(tmp_path / "a.h5ad"), "a") as file:
        file["obs/odd"] = np.arange(9)  # of another length
        file["obs"].attrs["column-order"] = ["kind", "odd"]
    raw = read([tmp_path / "a.h5ad"], MAX_MB)
    assert list(raw.obs.columns) == ["kind"]
    assert "'odd'" in raw.notes[0]


def test_coordinates_by_guess_best_first(tmp_path: Path) -> None:
    adata = make_adata()
    adata.obsm["X_umap"] = PLACES
    adata.obsm["a_spatial_3d"] = np.column_stack([PLACES + 1, np.zeros(6)])
    adata.obs["X"], adata.obs["Y"] = PLACES[:, 0] + 2, PLACES[:, 1] + 2
    adata.obs["CenterX_global_px"], adata.obs["CenterY_global_px"] = PLACES[:, 0] + 3, PLACES[:, 1] + 3
    adata.write_h5ad(tmp_path / "a.h5ad")
    places = read([tmp_path / "a.h5ad"], MAX_MB).coordinates
    assert list(places) == [
        "obsm/spatial",
        "obsm/a_spatial_3d",
        "obs/CenterX_global_px,CenterY_global_px",
        "obs/X,Y",
    ]
    np.testing.assert_array_equal(places["obsm/a_spatial_3d"], PLACES + 1)
    np.testing.assert_array_equal(places["obs/X,Y"], PLACES + 2)


def test_a_visium_file_says_its_scale(tmp_path: Path) -> None:
    adata = make_adata()
    adata.uns["spatial"] = {"library": {"scalefactors": {"spot_diameter_fullres": 130.0}}}
    adata.write_h5ad(tmp_path / "a.h5ad")
    raw = read([tmp_path / "a.h5ad"], MAX_MB)
    assert (raw.hints.unit, raw.hints.um_per_px, raw.hints.spots) == ("px", 0.5, True)
    assert set(raw.reasons) == {"unit", "um_per_px", "spots"}


def test_the_layout_before_anndata_0_7(tmp_path: Path) -> None:
    sparse = csr_matrix(COUNTS)
    with h5py.File(tmp_path / "old.h5ad", "w") as file:
        for name, part in {"data": sparse.data, "indices": sparse.indices, "indptr": sparse.indptr}.items():
            file[f"X/{name}"] = part
        file["X"].attrs["h5sparse_format"], file["X"].attrs["h5sparse_shape"] = "csr", [6, 4]
        file["obs"] = np.array(list(zip(CELLS, "aabbcc")), dtype=[("index", "S20"), ("kind", "S1")])
        file["var"] = np.array([(gene, 1) for gene in GENES], dtype=[("index", "S20"), ("n", "i4")])
    raw = read([tmp_path / "old.h5ad"], MAX_MB)
    np.testing.assert_array_equal(raw.matrices["X"].values.toarray(), COUNTS)
    assert list(raw.obs.index) == CELLS
    assert list(raw.obs["kind"]) == list("aabbcc")
    assert list(raw.matrices["X"].features.index) == GENES


@pytest.mark.parametrize("values", [np.full((6, 4), "many", dtype="S4"), np.full((6, 4), 1 + 2j)])
def test_text_and_complex_expression_are_refused(tmp_path: Path, values: np.ndarray) -> None:
    with h5py.File(write_h5ad(tmp_path / "a.h5ad"), "a") as file:
        del file["X"]
        file["X"] = values
    with pytest.raises(DataError, match="plain real numbers") as caught:
        read([tmp_path / "a.h5ad"], MAX_MB)
    assert caught.value.mend


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("indices", 10**6),
        ("indices", -1),
        ("indptr", 10**9),
        ("indptr", -5),
    ],
)
def test_a_sparse_matrix_with_wrong_pointers_is_refused(tmp_path: Path, part: str, value: int) -> None:
    with h5py.File(write_h5ad(tmp_path / "a.h5ad"), "a") as file:
        file[f"X/{part}"][2] = value
    with pytest.raises(DataError, match="not a valid sparse matrix"):
        read([tmp_path / "a.h5ad"], MAX_MB)


def test_a_sparse_matrix_that_declares_another_shape_is_refused(tmp_path: Path) -> None:
    with h5py.File(write_h5ad(tmp_path / "a.h5ad"), "a") as file:
        file["X"].attrs["shape"] = [10**12, 10**12]
    with pytest.raises(DataError, match="does not fit its cells and genes"):
        read([tmp_path / "a.h5ad"], MAX_MB)


def test_a_file_without_a_matrix_is_refused(tmp_path: Path) -> None:
    adata = make_adata()
    adata.X = None
    adata.write_h5ad(tmp_path / "a.h5ad")
    with pytest.raises(DataError, match="no expression matrix"):
        read([tmp_path / "a.h5ad"], MAX_MB)
