"""Size and background of cells: known, or left out; never guessed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from backend.datasets import canonical
from backend.store import matrix
from tests.datasets.raws import GENES, codes, counts, look, make_raw, places


def measured(
    *, obs: dict[str, Any] | None = None, values: Any = None, genes: Any = None, **answers: Any
) -> pd.DataFrame:
    ready = look(make_raw(values, genes=genes, obs=obs), **answers).require()
    assert ready.measures is not None
    return ready.measures


def test_controls_of_the_matrix_are_counted_per_cell() -> None:
    values = counts()
    table = measured(values=values, genes=[*GENES[:28], "NegPrb1", "ERCC-00002"])
    controls, total = values[:, 28], values[:, :29].sum(axis=1)
    np.testing.assert_allclose(table["control_share"], controls / total)  # a spike-in is neither gene nor background


def test_controls_of_the_instruments_columns() -> None:
    columns = {"control_probe_counts": np.arange(120), "unassigned_codeword_counts": 1, "transcript_counts": 9}
    table = measured(obs=columns)
    controls = np.arange(120) + 1
    np.testing.assert_allclose(table["control_share"], controls / (counts().sum(axis=1) + controls))


def test_the_matrix_is_believed_before_the_columns() -> None:
    values = counts()
    values[:, 29] = 0
    genes = [*GENES[:29], "BLANK-1"]
    assert (measured(values=values, genes=genes, obs={"control_probe_counts": 50})["control_share"] == 0).all()


def test_counts_of_controls_do_not_go_with_normalised_values() -> None:
    logged = np.log1p(counts() / counts().sum(axis=1, keepdims=True) * 1e4)
    assert "control_share" not in measured(values=logged, obs={"control_probe_counts": 1})
    table = measured(values=logged, obs={"control_probe_counts": 1, "total_counts": 50})
    np.testing.assert_allclose(table["control_share"], 0.02)
    table = measured(values=logged, obs={"control_probe_counts": 1, "transcript_counts": 49})
    np.testing.assert_allclose(table["control_share"], 0.02, err_msg="of the genes' counts and the controls' together")


def test_empty_cells_take_their_controls_with_them() -> None:
    values = counts()
    values[7, :29] = 0
    table = measured(values=values, genes=[*GENES[:29], "NegPrb1"])
    kept = np.delete(values, 7, axis=0)
    np.testing.assert_allclose(table["control_share"], kept[:, 29] / kept.sum(axis=1))


@pytest.mark.parametrize(
    ("column", "answers", "factor"),
    [
        ("Area.um2", {}, 1.0),
        ("size_um2", {}, 1.0),
        ("cell_area", {"unit": "um"}, 1.0),  # as Xenium writes it
        ("Area", {"unit": "px", "um_per_px": 0.5}, 0.25),  # as CosMx writes it
    ],
)
def test_areas_in_known_units(column: str, answers: dict[str, Any], factor: float) -> None:
    sizes = np.linspace(50, 200, 120)
    np.testing.assert_allclose(measured(obs={column: sizes}, **answers)["area_um2"], sizes * factor)


@pytest.mark.parametrize(("column", "size"), [("Area", 80.0), ("cell_area", 2e5)])
def test_areas_in_unknown_units_are_left_out_and_told(column: str, size: float) -> None:
    diagnosis = look(make_raw(obs={column: np.full(120, size) + np.arange(120)}), unit="um")
    assert "area" in codes(diagnosis, "noted")
    assert "area_um2" not in diagnosis.require().measures


def test_a_size_of_zero_is_no_size() -> None:
    sizes = np.full(120, 80.0)
    sizes[3] = 0
    assert np.flatnonzero(np.isnan(measured(obs={"area_um2": sizes})["area_um2"])).tolist() == [3]


def test_measures_are_written_and_change_no_fingerprint(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path))
    genes = ["MT-CO1", *GENES[1:]]
    plain = look(make_raw(genes=genes, where=places())).require()
    more = look(make_raw(genes=genes, where=places(), obs={"cell_area_um2": 80.0, "control_probe_counts": 2})).require()
    assert canonical.fingerprint(plain) == canonical.fingerprint(more)
    table = matrix.obs(canonical.write(more, "mine").id)
    assert (table["area_um2"] == 80).all()
    np.testing.assert_allclose(table["control_share"], 2 / (2 + table["counts"]), rtol=1e-5)
    np.testing.assert_allclose(table["mito_share"], counts()[:, 0] / counts().sum(axis=1), rtol=1e-5)
    assert {"cell_area_um2", "control_probe_counts"} <= set(table.columns)


def test_without_mitochondrial_genes_there_is_no_share(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path))
    record = canonical.write(look(make_raw()).require(), "mine")
    assert {"area_um2", "control_share", "mito_share"}.isdisjoint(matrix.obs(record.id).columns)
