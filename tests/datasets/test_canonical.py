"""Written whole, once, under a name that its content gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backend.datasets import canonical
from backend.datasets.canonical import Canonical
from backend.store import layout, matrix
from tests.datasets.raws import counts, look, make_raw


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path))
    return tmp_path


def tissue(**obs: object) -> Canonical:
    return look(make_raw(obs={"cell_type": ["B", "T", "NK"] * 40, "area": np.arange(120) / 7, **obs})).require()


def test_the_store_is_a_valid_anndata() -> None:
    import anndata

    ready = tissue()
    record = canonical.write(ready, "mine")
    adata = anndata.read_zarr(layout.dataset_folder(record.id) / "data.zarr")
    np.testing.assert_array_equal(adata.X.toarray(), ready.values.toarray())
    np.testing.assert_array_equal(adata.layers["by_gene"].toarray(), ready.values.toarray())
    assert adata.X.format == "csr"
    assert adata.layers["by_gene"].format == "csc"
    np.testing.assert_array_equal(adata.obsm["spatial"], ready.coordinates_um)
    assert list(adata.obs["type"][:3]) == ["B", "T", "NK"]
    assert list(adata.var_names) == list(ready.genes.index)
    assert dict(adata.uns) == {}


def test_the_tables_say_what_they_should() -> None:
    ready = tissue()
    record = canonical.write(ready, "mine")
    obs, var = matrix.obs(record.id), matrix.var(record.id)
    assert {"type", "section", "counts", "genes", "x_um", "y_um", "area"} <= set(obs)
    assert obs.index.name == "cell"
    np.testing.assert_array_equal(obs["counts"], counts().sum(axis=1))
    assert set(var) == {"symbol", "ensembl", "detection", "mean", "is_panel"}
    np.testing.assert_allclose(var["detection"], (counts() > 0).mean(axis=0), rtol=1e-6)
    assert (record.n_cells, record.n_genes, record.has_types, record.sections) == (120, 30, True, ("section 1",))


def test_a_clash_of_names_loses_no_column() -> None:
    obs = matrix.obs(canonical.write(tissue(counts=np.arange(120)), "mine").id)
    np.testing.assert_array_equal(obs["counts"], counts().sum(axis=1))
    np.testing.assert_array_equal(obs["file_counts"], np.arange(120))


def test_the_same_content_has_the_same_name_and_is_written_once() -> None:
    first = canonical.write(tissue(), "first")
    again = canonical.write(tissue(), "second")
    assert again == first
    assert len(list(layout.dataset_folder(first.id).parent.iterdir())) == 1


def test_any_change_of_the_content_changes_the_name() -> None:
    ready = tissue()
    moved = np.array(ready.coordinates_um)
    moved[0, 0] += 1e-9
    more = ready.values.copy()
    more.data[0] += 1
    renamed = ready.genes.set_axis(pd.Index(["OTHER", *ready.genes.index[1:]], name="gene"))
    typed = ready.obs.assign(type="B")
    changed = [
        replace(ready, coordinates_um=moved),
        replace(ready, values=more),
        replace(ready, genes=renamed),
        replace(ready, obs=typed),
        replace(ready, role="validation"),
    ]
    assert len({canonical.fingerprint(data) for data in [ready, *changed]}) == 6
    assert canonical.fingerprint(replace(ready, source="elsewhere", findings=())) == canonical.fingerprint(ready)


def test_nothing_half_written_stays(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(canonical, "_write_zarr", fail)
    with pytest.raises(OSError, match="disk full"):
        canonical.write(tissue(), "mine")
    assert list((home / "datasets").iterdir()) == []


def test_a_reference_gets_a_umap_and_a_tiny_one_a_note() -> None:
    record = canonical.write(look(make_raw(where=False), "reference").require(), "reference")
    obs = matrix.obs(record.id)
    assert np.isfinite(obs[["umap_1", "umap_2"]].to_numpy()).all()
    assert "x_um" not in obs
    tiny = canonical.write(look(make_raw(counts(12), where=False), "reference").require(), "tiny")
    assert "umap_1" not in matrix.obs(tiny.id)
    assert "no-umap" in {finding.code for finding in tiny.findings}


def test_logs_are_totalled_as_what_they_stand_for() -> None:
    values = np.log1p(counts() / counts().sum(axis=1, keepdims=True) * 1e4)
    record = canonical.write(look(make_raw(values, where=False), "reference").require(), "log")
    assert record.scale == "log"
    np.testing.assert_allclose(matrix.obs(record.id)["counts"], 1e4, rtol=1e-4)


def test_odd_columns_of_a_file_do_no_harm() -> None:
    import anndata

    obs = {
        "area/px": np.arange(120) / 7,
        "cell": np.arange(120),
        "_index": np.arange(120),
        "half": np.arange(120, dtype=np.float16),
        "nullable": pd.array([1, None] * 60, dtype="Int64"),
        "flag": pd.array([True, None] * 60, dtype="boolean"),
        "day": pd.to_datetime(["2026-01-01", "2026-01-02"] * 60),
        "mixed": [1, "a"] * 60,
        "lists": [[1], [2]] * 60,
        "complex": np.arange(120) * 1j,
        "section": pd.Categorical(["a", None] * 60),
        "free text": [f"note {i}" for i in range(120)],
    }
    record = canonical.write(look(make_raw(obs=obs)).require(), "odd")
    table = matrix.obs(record.id)
    assert {"area_px", "file_cell", "file__index", "half", "nullable", "flag", "day", "mixed"} <= set(table)
    assert "complex" not in table
    assert set(table["section"].astype(str)) == {"a", "unknown"}
    assert anndata.read_zarr(layout.dataset_folder(record.id) / "data.zarr").n_obs == 120
