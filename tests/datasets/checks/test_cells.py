"""Which cells and genes stay."""

from __future__ import annotations

import numpy as np
import pytest

from tests.datasets.raws import codes, counts, finding, look, make_raw


def test_empty_cells_and_genes_are_dropped_and_counted() -> None:
    values = counts()
    values[[2, 5, 7]] = 0
    values[:, 4] = 0
    diagnosis = look(make_raw(values))
    assert finding(diagnosis, "empty-cells").what == "3 empty cells dropped."
    assert "GENE4" in finding(diagnosis, "empty-genes").why
    assert diagnosis.ready is not None
    assert diagnosis.ready.values.shape == (117, 29)
    assert "cell2" not in diagnosis.ready.obs.index
    assert len(diagnosis.ready.coordinates_um) == 117


@pytest.mark.parametrize(("shape", "code"), [((120, 30), "no-cells"), ((0, 30), "no-cells"), ((120, 0), "no-genes")])
def test_nothing_but_zeros_no_cells_and_no_genes_are_refused(shape: tuple[int, int], code: str) -> None:
    diagnosis = look(make_raw(np.zeros(shape)))
    assert codes(diagnosis, "refused") == {code}
    assert finding(diagnosis, code).mend == "Choose the file that holds the counts."


def test_keep_takes_numbers_as_they_are_written() -> None:
    diagnosis = look(make_raw(obs={"Valid": np.arange(120) % 2, "part": ["a", "b"] * 60}), keep={"Valid": "1"})
    assert diagnosis.ready is not None
    assert diagnosis.ready.values.shape[0] == 60
    assert "60 left out" in finding(diagnosis, "keep").what
    assert look(make_raw(obs={"Valid": np.arange(120.0) % 2}), keep={"Valid": "1"}).ready is not None


def test_keep_names_what_could_be_kept() -> None:
    diagnosis = look(make_raw(obs={"Valid": np.arange(120) % 2}), keep={"Valid": "yes", "Region": "x"})
    refused = [finding for finding in diagnosis.findings if finding.grade == "refused"]
    assert "0, 1" in refused[0].why
    assert "Valid" in refused[1].why
    assert all("--keep" in finding.mend for finding in refused)


def test_repeated_cell_ids_become_unique_without_meeting_others() -> None:
    raw = make_raw()
    raw.obs.index = ["a", "a", "a-1", "a", *raw.obs.index[4:]]
    diagnosis = look(raw)
    assert diagnosis.ready is not None
    assert list(diagnosis.ready.obs.index[:4]) == ["a", "a-2", "a-1", "a-3"]
    assert finding(diagnosis, "cell-ids").what.startswith("2 cell ids")


def test_shallow_small_and_narrow_data_are_noted() -> None:
    few = np.zeros((120, 30))
    few[np.arange(120), np.arange(120) % 30] = 1
    assert {"low-counts", "few-genes", "few-cells", "binary"} <= codes(look(make_raw(few)), "noted")
