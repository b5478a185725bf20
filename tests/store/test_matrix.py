"""Cheap reading: what comes back is what was written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backend.datasets import canonical
from backend.errors import NotFound
from backend.store import layout, matrix
from tests.datasets.raws import GENES, counts, look, make_raw


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path))
    raw = make_raw(counts(200), genes=[*GENES[:29], "NegPrb1"], obs={"cell_type": ["B", "T"] * 100})
    return canonical.write(look(raw).require(), "mine").id


@pytest.mark.parametrize("gene", [0, 7, 28])
def test_one_gene(dataset: str, gene: int) -> None:
    values = matrix.gene_values(dataset, GENES[gene])
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, counts(200)[:, gene])


@pytest.mark.parametrize("rows", [[], [5], [199, 0, 5, 5], list(range(150))])
def test_some_cells_in_the_order_asked(dataset: str, rows: list[int]) -> None:
    found = matrix.cell_rows(dataset, rows)
    assert found.shape == (len(rows), 29)
    np.testing.assert_array_equal(found.toarray(), counts(200)[rows][:, :29])


def test_everything(dataset: str) -> None:
    values, genes = matrix.load_csr(dataset)
    assert genes == GENES[:29]
    np.testing.assert_array_equal(values.toarray(), counts(200)[:, :29])


def test_tables(dataset: str) -> None:
    assert list(matrix.obs(dataset, ["type", "no such column"]).columns) == ["type"]
    assert list(matrix.obs(dataset, []).index[:2]) == ["cell0", "cell1"]
    assert list(matrix.var(dataset).index) == list(GENES[:29])
    excluded = pd.read_parquet(layout.dataset_folder(dataset) / "excluded.parquet")
    assert list(excluded["name"]) == ["NegPrb1"]


def test_what_is_not_there_is_said(dataset: str) -> None:
    with pytest.raises(NotFound, match="NOPE"):
        matrix.gene_values(dataset, "NOPE")
    with pytest.raises(NotFound):
        matrix.cell_rows(dataset, [200])
    with pytest.raises(NotFound):
        matrix.obs("d-000000000000")
    with pytest.raises(NotFound):
        matrix.obs("../index")


def test_reading_is_light() -> None:
    code = "import sys, backend.store.matrix; print({'anndata', 'scanpy', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
