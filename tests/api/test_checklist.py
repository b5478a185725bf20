from __future__ import annotations

from typing import Any

import pytest

from backend import api
from backend.records import Cut, DatasetRecord, JobState, JobStatus, Recipe, RunRecord, StudyRecord
from backend.store import index
from tests.api.conftest import PANEL


def steps(study: StudyRecord) -> dict[str, api.Step]:
    return {step.name: step for step in api.checklist(study.id)}


def undone(study: StudyRecord) -> list[str]:
    return [step.name for step in api.checklist(study.id) if not step.done]


@pytest.fixture
def study(tissue: DatasetRecord, reference: DatasetRecord) -> StudyRecord:
    return api.create_study("Lung", tissue.id, reference.id)


def trained(study: StudyRecord, tissue: str, state: JobState = JobState.SUCCEEDED) -> None:
    given: dict[str, Any] = {"id": f"scxm-{tissue}-{state}", "method": "scxm", "version": 1, "config": {}, "seed": 0}
    index.put(RunRecord(**given, tissue=tissue, reference=study.reference, split="halves"))
    index.put(JobStatus(id=given["id"], kind="scxm", params={}, state=state))


def test_a_new_study_is_loaded_and_its_next_step_is_quality(study: StudyRecord) -> None:
    assert undone(study) == ["quality", "matched", "quick", "whole"]  # the file names the types
    assert all((steps(study)[name].minutes or 0) > 0 for name in ("matched", "quick", "whole"))


def test_what_the_user_settled_stays_ticked_until_the_data_change(study: StudyRecord, dataset: Any) -> None:
    api.settle(study.id, "quality")
    api.settle(study.id, "matched")
    assert undone(study) == ["quick", "whole"]
    other = dataset("reference", (*PANEL, "MYC"))
    api.use_dataset(study.id, "reference", other.id)
    assert undone(study) == ["matched", "quick", "whole"]
    api.undo(study.id)
    assert undone(study) == ["quick", "whole"]


def test_a_version_that_was_cut_has_had_its_quality_control(study: StudyRecord, dataset: Any) -> None:
    recipe = Recipe(cuts=(Cut(measure="counts", least=5),))
    cut = dataset("tissue", PANEL, parent=study.tissue, recipe=recipe, left_out=("4 cells left out.",))
    sections = dataset("tissue", PANEL, parent=cut.id, recipe=Recipe(gap_um=100))
    api.use_dataset(study.id, "tissue", sections.id)
    assert steps(study)["quality"] == api.Step("quality", True, "4 cells left out.")


def test_names_are_to_be_looked_at_before_they_are_ticked(dataset: Any, reference: DatasetRecord) -> None:
    bare = dataset("tissue", PANEL, has_types=False)
    study = api.create_study("s", bare.id, reference.id)
    job = api.job(study.types[bare.id])
    assert steps(study)["named"].job == job.id
    index.put(
        job.model_copy(update={"state": JobState.SUCCEEDED, "result": {"source": "", "types": 3, "unsure": 0.25}})
    )
    assert "have a look" in steps(study)["named"].says
    assert not steps(study)["named"].done
    api.settle(study.id, "named")
    assert steps(study)["named"] == api.Step(
        "named", True, "3 types, 25% of the cells unsure", steps(study)["named"].minutes
    )
    index.put(JobStatus(id="annotate-other", kind="annotate", params={"dataset": bare.id, "how": "leiden"}))
    api.use_types(study.id, bare.id, "annotate-other", "naming again")
    assert not steps(study)["named"].done


def test_a_quick_look_is_not_the_whole_tissue(study: StudyRecord, dataset: Any) -> None:
    region = dataset("tissue", PANEL, parent=study.tissue, recipe=Recipe(most_cells=100))
    study = api.use_quick_look(study.id, region.id)
    trained(study, region.id)
    assert steps(study)["quick"].done
    assert not steps(study)["whole"].done
    trained(study, study.tissue, JobState.RUNNING)
    assert steps(study)["whole"].job == f"scxm-{study.tissue}-running"
    trained(study, study.tissue)
    assert steps(study)["whole"].done


def test_a_region_in_the_making_is_under_way(study: StudyRecord) -> None:
    index.put(study.model_copy(update={"region_job": "version-x"}))
    assert steps(study)["quick"].job == "version-x"


def test_one_run_of_a_small_tissue_is_both(study: StudyRecord) -> None:
    trained(study, study.tissue, JobState.STOPPED)
    assert steps(study)["quick"].done
    assert steps(study)["whole"].done


def test_a_match_is_told_and_to_be_looked_at(study: StudyRecord) -> None:
    job = api.start_match(study.id)
    assert steps(study)["matched"].job == job.id
    found = {"verdict": "fits in part", "counterpart": 0.7}
    index.put(job.model_copy(update={"state": JobState.SUCCEEDED, "result": found}))
    assert steps(study)["matched"].says == "it fits in part: 70% of your cells have a counterpart; have a look"
    assert not steps(study)["matched"].done
    api.settle(study.id, "matched")
    assert steps(study)["matched"].done
