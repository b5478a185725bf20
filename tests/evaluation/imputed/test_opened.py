from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from backend.evaluation.genes.source import GenePair
from backend.evaluation.imputed import opened
from backend.evaluation.imputed.opened import off_panel, open_imputation
from backend.methods.contract import Cells
from tests.evaluation.imputed.small_pair import MISSING, N_TISSUE, SHARED, make_run, write_pair


def test_both_are_read_whole_and_named_alike() -> None:
    write_pair()
    found = open_imputation(make_run())
    pair = found.read()
    assert pair.shared == SHARED
    assert pair.tissue.n_cells == N_TISSUE
    assert pair.tissue.coordinates is not None
    assert found.track == "unmeasured-gene"
    assert set(found.types()) == {"kind 0", "kind 1", "kind 2", "kind 3"}
    assert off_panel(pair) == MISSING


def test_where_there_is_no_room_the_asked_and_then_the_most_variable_come_first(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    steady = rng.poisson(50, (100, 4))
    varied = rng.poisson(np.where(rng.random((100, 2)) < 0.5, 1, 99))
    names = ("P", "A", "B", "C", "D", "V", "W")
    reference = Cells(csr_matrix(np.column_stack([steady[:, :1], steady, varied]), dtype=np.float32), names, "counts")
    tissue = Cells(csr_matrix(np.ones((10, 1), dtype=np.float32)), ("P",), "counts")
    pair = GenePair(tissue, reference)
    monkeypatch.setattr(opened, "MOST_VALUES", 20)
    assert off_panel(pair) == ("V", "W")
    assert "B" in off_panel(pair, ("B", "nothing"))
    monkeypatch.setattr(opened, "MOST_VALUES", 20_000)
    assert off_panel(pair) == ("A", "B", "C", "D", "V", "W")


@pytest.mark.parametrize("scale", ["counts", "log"])
def test_rarely_shown_genes_are_left_out_whatever_the_scale(scale: str) -> None:
    values = np.zeros((40, 3), dtype=np.float32)
    values[:, 0], values[:10, 1], values[:9, 2] = 3, 1, 1
    cells = Cells(csr_matrix(np.log1p(values) if scale == "log" else values), ("P", "SEEN", "RARE"), scale)
    tissue = Cells(csr_matrix(np.ones((10, 1), dtype=np.float32)), ("P",), "counts")
    assert off_panel(GenePair(tissue, cells)) == ("SEEN",)
