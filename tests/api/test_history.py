from __future__ import annotations

from typing import Any

import pytest

from backend import api
from backend.api._history import MOST_KEPT
from backend.errors import UserError
from backend.records import DatasetRecord, JobState, Recipe, StudyRecord
from backend.store import index
from tests.api.conftest import PANEL


@pytest.fixture
def study(tissue: DatasetRecord, reference: DatasetRecord) -> StudyRecord:
    return api.create_study("Lung", tissue.id, reference.id)


def test_a_change_is_remembered_and_taken_back(study: StudyRecord, dataset: Any) -> None:
    version = dataset("tissue", PANEL, parent=study.tissue, name="a tissue (QC)")
    changed = api.use_dataset(study.id, "tissue", version.id, "QC of the tissue")
    assert (changed.tissue, changed.types[version.id]) == (version.id, "column")
    assert [past.did for past in changed.past] == ["QC of the tissue"]
    back = api.undo(study.id)
    assert (back.tissue, back.types, back.past) == (study.tissue, study.types, ())


def test_nothing_to_take_back_is_said(study: StudyRecord) -> None:
    with pytest.raises(UserError, match="can be taken back"):
        api.undo(study.id)


def test_what_was_deleted_does_not_come_back(study: StudyRecord, dataset: Any) -> None:
    version = dataset("tissue", PANEL, parent=study.tissue)
    api.use_dataset(study.id, "tissue", version.id)
    api.delete_dataset(study.tissue)
    with pytest.raises(UserError, match="cannot be taken back"):
        api.undo(study.id)
    assert api.study(study.id).tissue == version.id


def test_a_deleted_region_keeps_nobody_from_going_back(study: StudyRecord, dataset: Any) -> None:
    region = dataset("tissue", PANEL, parent=study.tissue, recipe=Recipe(most_cells=50))
    api.use_quick_look(study.id, region.id)
    version = dataset("tissue", PANEL, parent=study.tissue, recipe=Recipe(gap_um=9))
    api.use_dataset(study.id, "tissue", version.id)
    api.delete_dataset(region.id)
    back = api.undo(study.id)
    assert (back.tissue, back.quick) == (study.tissue, None)


def test_the_same_again_is_no_change(study: StudyRecord) -> None:
    assert api.use_dataset(study.id, "tissue", study.tissue).past == ()


def test_only_the_last_changes_are_kept(study: StudyRecord) -> None:
    for number in range(MOST_KEPT + 3):
        api.use_types(study.id, study.tissue, f"annotate-{number}", f"naming {number}")
    past = api.study(study.id).past
    assert (len(past), past[0].did, past[-1].did) == (MOST_KEPT, "naming 3", f"naming {MOST_KEPT + 2}")


def test_names_go_along_with_a_version(dataset: Any, reference: DatasetRecord) -> None:
    bare = dataset("tissue", PANEL, has_types=False)
    study = api.create_study("s", bare.id, reference.id)
    index.put(api.job(study.types[bare.id]).model_copy(update={"state": JobState.SUCCEEDED}))
    version = dataset("tissue", PANEL, has_types=False, parent=bare.id, recipe=Recipe(gap_um=50))
    changed = api.use_dataset(study.id, "tissue", version.id)
    job = api.job(changed.types[version.id])
    assert job.params == {"dataset": version.id, "how": "inherit", "base": study.types[bare.id]}
    assert changed.types[bare.id] == study.types[bare.id]


def test_another_data_set_gets_names_of_its_own(study: StudyRecord, dataset: Any) -> None:
    other = dataset("tissue", (*PANEL, "MYC"), has_types=False)
    changed = api.use_dataset(study.id, "tissue", other.id)
    assert api.job(changed.types[other.id]).params["how"] == "transfer"


def test_a_role_that_does_not_fit_changes_nothing(study: StudyRecord) -> None:
    with pytest.raises(UserError, match="cannot be the reference"):
        api.use_dataset(study.id, "reference", study.tissue)
    assert api.study(study.id) == study


def test_a_quick_look_is_a_region_of_the_tissue(study: StudyRecord, dataset: Any) -> None:
    region = dataset("tissue", PANEL, parent=study.tissue, recipe=Recipe(most_cells=50))
    assert api.use_quick_look(study.id, region.id).quick_data[0] == region.id
    stranger = dataset("tissue", (*PANEL, "MYC"))
    with pytest.raises(UserError, match="no region"):
        api.use_quick_look(study.id, stranger.id)
    # Another version of the tissue has other regions.
    version = dataset("tissue", PANEL, parent=study.tissue, recipe=Recipe(gap_um=9))
    assert api.use_dataset(study.id, "tissue", version.id).quick is None


def test_a_copy_shares_data_and_types_and_has_a_name_of_its_own(study: StudyRecord) -> None:
    api.use_types(study.id, study.tissue, "annotate-x", "naming")
    copied = api.duplicate_study(study.id, "Lung, again")
    assert (copied.data, copied.types) == (api.study(study.id).data, api.study(study.id).types)
    assert (copied.id != study.id, copied.past) == (True, ())
    with pytest.raises(UserError, match="taken"):
        api.duplicate_study(study.id, "Lung")


def test_a_failed_naming_of_a_version_says_so(dataset: Any, reference: DatasetRecord) -> None:
    bare = dataset("tissue", PANEL, has_types=False)
    study = api.create_study("s", bare.id, reference.id)
    index.put(
        api.job(study.types[bare.id]).model_copy(update={"state": JobState.FAILED, "error": {"what": "No gene."}})
    )
    assert "No gene." in api.cell_types(study.id, bare.id).source
