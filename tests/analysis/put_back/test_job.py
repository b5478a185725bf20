from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backend.analysis.put_back import asked
from backend.analysis.put_back.asked import find_origins, place_cells
from backend.analysis.put_back.job import halves, read_tissue
from backend.errors import NotFound, UserError
from backend.records import DatasetRecord, JobStatus
from backend.store import index, layout
from tests.analysis.put_back.finished import N_REFERENCE, N_TISSUE, Finished, middle

Put = tuple[Finished, JobStatus]


@pytest.fixture(autouse=True)
def same_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESITU_HOME", str(home))


def folder_of(job: JobStatus) -> Path:
    return layout.result_folder(job.id)


def test_reference_cells_come_back_near_where_they_stood(put: Put) -> None:
    """Of another depth and with other gene factors, and never shown a place."""
    finished, job = put
    placed = place_cells(folder_of(job), "d-tissue", np.arange(N_REFERENCE), job.result)
    off = np.linalg.norm(placed.guesses[["x_um", "y_um"]].to_numpy() - finished.true_xy, axis=1)
    blind = np.linalg.norm(finished.true_xy - middle(), axis=1)
    assert np.median(off) < 0.6 * np.median(blind)


def test_a_groups_regions_hold_it(put: Put) -> None:
    finished, job = put
    rows = np.flatnonzero((finished.true_xy < 200).all(axis=1))
    placed = place_cells(folder_of(job), "d-tissue", rows, job.result)
    near = [np.linalg.norm(finished.xy - place, axis=1).argmin() for place in finished.true_xy[rows]]
    assert np.mean(placed.region[near] <= 1) > 0.6
    assert placed.times[near].mean() > 2.5
    assert np.nanmean(placed.times) == pytest.approx(1, abs=1e-4)
    assert np.mean(placed.region[placed.region >= 0] <= 2) < 0.6  # 90 % of the cells in less than that of the tissue


def test_cells_from_a_region_are_told_from_others(put: Put) -> None:
    finished, job = put
    inside = finished.xy[:, 0] < 200
    found = find_origins(folder_of(job), "d-tissue", inside)
    truly = finished.true_xy[:, 0] < 200
    assert found.share[truly].mean() > 2 * found.share[~truly].mean()
    assert found.chance == pytest.approx(inside.mean(), abs=0.01)
    assert found.held_out is not None
    assert found.held_out["auroc"] > 0.8
    assert found.held_out["inside"] + found.held_out["outside"] == job.result["hidden"]


def test_a_region_too_small_to_test_is_not_tested(put: Put) -> None:
    finished, job = put
    inside = np.linalg.norm(finished.xy - middle(), axis=1) < 30
    assert find_origins(folder_of(job), "d-tissue", inside).held_out is None
    for nothing in (np.zeros(N_TISSUE, dtype=bool), np.ones(N_TISSUE, dtype=bool)):
        with pytest.raises(UserError, match="The region holds"):
            find_origins(folder_of(job), "d-tissue", nothing)


def test_of_many_cells_a_part_is_put_back_and_told(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked, "MOST_CELLS", 20)
    placed = place_cells(folder_of(put[1]), "d-tissue", np.arange(N_REFERENCE), put[1].result)
    assert (placed.asked, len(placed.guesses)) == (N_REFERENCE, 20)
    with pytest.raises(UserError, match="No cells"):
        place_cells(folder_of(put[1]), "d-tissue", np.zeros(0, dtype=np.intp), put[1].result)


def test_one_cells_regions_are_the_calibrated_ones(put: Put) -> None:
    facts = put[1].result | {"masses": [0.2, 0.21, 0.22]}
    alone = place_cells(folder_of(put[1]), "d-tissue", np.array([3]), facts)
    usual = place_cells(folder_of(put[1]), "d-tissue", np.array([3]), put[1].result)
    assert np.sum(alone.region == 0) < np.sum(usual.region == 0)


def test_the_test_is_told_and_kept(put: Put) -> None:
    _, job = put
    table = pd.read_parquet(folder_of(job) / "trial.parquet")
    assert set(table["type"]) <= {"A", "B", "C"}
    assert job.result["halves"]
    assert any("own half" in said for said in job.result["warnings"])
    assert job.result["reported"] == len(table[table["way"] == "used"])
    assert layout.read_json(folder_of(job) / "facts.json") == job.result


def test_halves_are_those_that_a_run_cuts() -> None:
    xy = np.array([[0.0, 5], [1, 5], [8, 5], [9, 5], [100, 0], [130, 0]])
    assert halves(xy, np.array([0, 0, 0, 0, 1, 1], dtype=np.int32)).tolist() == [0, 0, 1, 1, 0, 1]


def test_a_tissue_without_unseen_predictions_is_refused(put: Put) -> None:
    finished, _ = put
    record = index.get(DatasetRecord, "d-tissue").model_copy(update={"id": "d-other"})
    with pytest.raises(NotFound, match="did not see"):
        read_tissue(finished.run, record, None)
