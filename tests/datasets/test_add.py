"""From a file to a data set, or to one clear message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from backend.datasets.add import add, inspect
from backend.errors import DataError, NotFound
from backend.records import DatasetRecord
from backend.store import index, matrix
from tests.datasets.desk import Desk
from tests.datasets.raws import GENES, counts, places


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path / "home"))
    return Desk(tmp_path)


def h5ad(folder: Path, values: np.ndarray, name: str = "tissue") -> str:
    obs = pd.DataFrame({"cell_type": ["B", "T"] * 60}, index=[f"c{i}" for i in range(120)])
    adata = anndata.AnnData(csr_matrix(values), obs=obs, var=pd.DataFrame(index=list(GENES)))
    adata.obsm["spatial"] = places()
    path = folder / f"{name}.h5ad"
    adata.write_h5ad(path)
    return str(path)


def params(path: str, **more: Any) -> dict[str, Any]:
    return {"paths": [path], "role": "tissue", "answers": {}, **more}


def test_inspecting_tells_and_adds_nothing(desk: Desk, tmp_path: Path) -> None:
    told = inspect(params(h5ad(tmp_path, counts())), desk)
    assert told["facts"]["cells"] == 120
    assert {finding["grade"] for finding in told["findings"]} >= {"asked"}
    assert index.list_all(DatasetRecord) == []


def test_adding_writes_and_remembers(desk: Desk, tmp_path: Path) -> None:
    done = add(params(h5ad(tmp_path, counts()), name="Mine"), desk)
    record = index.get(DatasetRecord, done["dataset"])
    assert (record.name, record.n_cells, record.simulated, done["known"]) == ("Mine", 120, False, False)
    assert done["record"] == record.model_dump(mode="json")
    np.testing.assert_array_equal(matrix.gene_values(record.id, "GENE3"), counts()[:, 3])


def test_adding_twice_is_the_same_data_set_under_its_own_name(desk: Desk, tmp_path: Path) -> None:
    first = add(params(h5ad(tmp_path, counts()), name="Mine"), desk)["dataset"]
    index.update(DatasetRecord, first, lambda record: record.model_copy(update={"name": "New", "archived": True}))
    again = add(params(h5ad(tmp_path, counts(), "copy"), name="Copy"), desk)
    assert (again["dataset"], again["known"]) == (first, True)
    record = index.get(DatasetRecord, first)
    assert (record.name, record.archived) == ("New", False)


def test_what_is_refused_leaves_nothing(desk: Desk, tmp_path: Path) -> None:
    values = counts()
    values[0, 0] = np.nan
    with pytest.raises(DataError) as caught:
        add(params(h5ad(tmp_path, values), name="Bad", answers={"keep": {"nothing": "1"}}), desk)
    assert "2 problems" in caught.value.what
    assert index.list_all(DatasetRecord) == []
    assert not any((tmp_path / "home" / "datasets").glob("*"))


def test_what_code_made_is_called_simulated(desk: Desk, tmp_path: Path) -> None:
    done = add(params(h5ad(tmp_path, counts()), name="Demo", simulated=True), desk)
    assert index.get(DatasetRecord, done["dataset"]).simulated


def test_a_record_without_its_folder_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound):
        matrix.var("d-0123456789ab")
