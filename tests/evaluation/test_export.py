from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from backend.errors import UserError
from backend.evaluation.export import export_run, plain_text
from backend.evaluation.run import train
from backend.store.arrays import read_columns
from backend.store.layout import result_folder
from tests.evaluation.small_study import GENES, SmallJob, make_run, write_study


@pytest.fixture
def context(job: SmallJob) -> np.ndarray:
    write_study()
    train(make_run().model_dump(mode="json", exclude={"created", "owner"}), job)
    return read_columns(result_folder("tiny-run") / "context_d-reference.zarr")[0]


def test_h5ad_opens_in_plain_anndata(context: np.ndarray, tmp_path: Path) -> None:
    import anndata

    data = anndata.read_h5ad(export_run("tiny-run", tmp_path / "out.h5ad"))
    assert data.shape == (90, 14)
    assert data.obsm["context"].dtype == np.float32
    np.testing.assert_array_equal(data.obsm["context"], context)
    assert list(data.uns["context_genes"]) == list(GENES[:12])
    assert set(data.uns["scores"].columns) >= {"gene", "method", "pcc", "self_loop"}
    assert json.loads(data.uns["summary"])["method"] == "tiny"
    assert data.obs_names[0] == "reference-0"


def test_csv_has_one_row_per_cell_and_one_column_per_gene(context: np.ndarray, tmp_path: Path) -> None:
    with export_run("tiny-run", tmp_path / "out.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["cell", *GENES[:12]]
    assert rows[5][0] == "reference-5"
    np.testing.assert_allclose([[float(value) for value in row[1:]] for row in rows], context, atol=1e-5)


def test_a_label_is_never_a_formula() -> None:
    for start in "=+-@":
        assert plain_text(f"{start}cmd") == f"'{start}cmd"
    assert plain_text("CD8A") == "CD8A"


def test_what_cannot_be_written_is_refused_and_nothing_is_left(context: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "folder.h5ad").mkdir()
    (tmp_path / "file").touch()
    for name, why in (
        ("out.xlsx", "ending"),
        ("absent/out.csv", "cannot be written"),
        ("file/out.csv", "cannot be written"),
        ("folder.h5ad", "cannot be written"),
    ):
        with pytest.raises(UserError, match=why):
            export_run("tiny-run", tmp_path / name)
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {"file"}
