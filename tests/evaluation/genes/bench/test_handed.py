from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from backend.evaluation.genes.bench.handed import read_cells, read_imputed, read_view, write_cells, write_imputed
from backend.evaluation.genes.bench.handed import write_view as write
from backend.evaluation.genes.source import cut_view
from backend.methods.contract import Cells
from backend.methods.imputation import Imputed
from tests.evaluation.genes.simulated_pair import SHARED, make_pair


def same(one: Cells, other: Cells) -> None:
    np.testing.assert_array_equal(one.expression.toarray(), other.expression.toarray())
    assert one.expression.dtype == other.expression.dtype
    assert (one.genes, one.scale) == (other.genes, other.scale)
    for name in ("coordinates", "section"):
        a, b = getattr(one, name), getattr(other, name)
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("train", [None, np.arange(50)])
def test_a_view_arrives_as_it_was_sent(tmp_path: Path, train: np.ndarray | None) -> None:
    pair = make_pair()
    pair = replace(pair, tissue=replace(pair.tissue, scale="normalised"))
    view = cut_view(pair, SHARED[:20], SHARED[20:], train).view
    write_cells(tmp_path / "reference.npz", view.reference)
    write(tmp_path / "view.npz", view)
    back = read_view(tmp_path / "view.npz", read_cells(tmp_path / "reference.npz"))
    same(back.tissue, view.tissue)
    same(back.reference, view.reference)
    assert back.target_genes == view.target_genes
    assert (back.known is None) == (view.known is None)
    if view.known is not None and back.known is not None:
        np.testing.assert_array_equal(back.known.rows, view.known.rows)
        np.testing.assert_array_equal(back.known.expression.toarray(), view.known.expression.toarray())


def test_what_is_hidden_is_in_no_file_of_a_view(tmp_path: Path) -> None:
    pair = make_pair()
    counts = pair.tissue.expression.toarray()
    loud = counts.copy()
    loud[:, 20:] = 12345.0
    for name, values in (("a", counts), ("b", loud)):
        changed = replace(pair, tissue=replace(pair.tissue, expression=csr_matrix(values)))
        write(tmp_path / f"{name}.npz", cut_view(changed, SHARED[:20], SHARED[20:]).view)
    with np.load(tmp_path / "a.npz") as a, np.load(tmp_path / "b.npz") as b:
        assert sorted(a.files) == sorted(b.files)
        for part in a.files:
            np.testing.assert_array_equal(a[part], b[part])


def test_a_prediction_arrives_as_it_was_sent(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((5, 2)).astype(np.float32)
    for doubt in (None, values[0] * 2):
        write_imputed(tmp_path / "p.npz", Imputed(values, ("A", "B"), doubt, "arbitrary"))
        back = read_imputed(tmp_path / "p.npz")
        np.testing.assert_array_equal(back.values, values)
        assert (back.genes, back.units, back.values.dtype) == (("A", "B"), "arbitrary", np.float32)
        assert (back.doubt is None) == (doubt is None)
