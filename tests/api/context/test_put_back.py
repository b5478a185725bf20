from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backend import api
from backend.errors import NotFound, UserError
from backend.records import JobState, JobStatus
from backend.store import index
from tests.analysis.put_back.finished import Finished, run_job, write_run


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Finished:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path))
    return write_run()


def test_the_work_is_queued_once_and_found_again(finished: Finished) -> None:
    assert api.context.find_put_back(finished.run.id) is None
    job = api.context.start_put_back(finished.run.id)
    assert (job.kind, job.params) == ("put-back", finished.params)
    assert api.context.start_put_back(finished.run.id).id == job.id
    found = api.context.find_put_back(finished.run.id)
    assert found is not None
    assert found.state is JobState.QUEUED
    with pytest.raises(UserError, match="no result yet"):
        api.context.put_back(job.id)


def test_a_finished_job_answers_both_ways(finished: Finished, tmp_path: Path) -> None:
    job = run_job(finished, tmp_path)
    assert api.context.find_put_back(finished.run.id) == job
    found = api.context.put_back(job.id)
    assert found.facts == job.result
    placed = api.context.place_cells(job.id, [0, 5])
    assert placed.guesses["row"].tolist() == [0, 5]
    origins = api.context.find_origins(job.id, finished.xy[:, 1] < 300)
    assert len(origins.share) == len(finished.true_xy)


def test_another_jobs_id_is_no_put_back(finished: Finished) -> None:
    index.put(JobStatus(id="niche-1", kind="niche", params={}))
    with pytest.raises(NotFound, match="no put-back job"):
        api.context.put_back("niche-1")


def test_an_imputation_has_no_places(finished: Finished) -> None:
    index.put(finished.run.model_copy(update={"split": "genes"}))
    with pytest.raises(UserError, match="imputes genes"):
        api.context.start_put_back(finished.run.id)


LISTS = (
    "reference-2, reference-0;reference-9",
    "reference-9\nreference-0\n\nreference-2\n",
    '"reference-2"\treference-0,reference-9',
)


@pytest.mark.parametrize("text", LISTS)
def test_lists_of_cells_are_read_as_people_write_them(finished: Finished, text: str) -> None:
    found = api.context.find_cells("d-reference", text)
    assert found.rows.tolist() == [0, 2, 9]
    assert found.unknown == ()


def test_of_a_table_the_first_column_holds_the_names(finished: Finished) -> None:
    found = api.context.find_cells("d-reference", "cell,type\nreference-4,A\nreference-4,A\nnobody,reference-7\n")
    assert found.rows.tolist() == [4]
    assert found.unknown == ("cell", "nobody")
    assert np.issubdtype(found.rows.dtype, np.integer)


@pytest.mark.timeout(20)
def test_a_long_list_is_read_at_once(finished: Finished) -> None:
    names = [f"nobody-{number}" for number in range(30_000)]
    assert api.context.find_cells("d-reference", "\n".join(["reference-3", *names])).rows.tolist() == [3]
    assert api.context.find_cells("d-reference", "\n".join(f"{name},A" for name in names)).unknown == tuple(names)
