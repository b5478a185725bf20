"""Names are used once they are there, in whichever window; edited, brought, written, coloured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from backend import api
from backend.errors import DataError, NotFound, UserError
from backend.records import DatasetRecord, JobState, JobStatus, StudyRecord, now
from backend.store import index, layout
from tests.api.conftest import N_CELLS, PANEL, TRANSCRIPTOME

TYPES = np.array(["T cell", "tumour"] * (N_CELLS // 2), dtype=object)


def finish(job: JobStatus, types: np.ndarray = TYPES, **result: Any) -> JobStatus:
    """As its handler would leave it."""
    folder = layout.result_folder(job.id)
    folder.mkdir(parents=True)
    table = pd.DataFrame({"cell": [f"c{i}" for i in range(N_CELLS)], "type": pd.Categorical(types), "probability": 0.9})
    table.to_parquet(folder / "types.parquet")
    done = {"state": JobState.SUCCEEDED, "finished": now(), "result": {"source": f"By {job.id}.", **result}}
    job = job.model_copy(update=done)
    index.put(job)
    return job


@pytest.fixture
def study(tissue: DatasetRecord, reference: DatasetRecord) -> StudyRecord:
    return api.create_study("s", tissue.id, reference.id)


def names_in_use(study: StudyRecord) -> set[str]:
    return set(api.cell_types(study.id, study.tissue).table["type"])


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING, JobState.FAILED, JobState.CANCELLED])
def test_the_old_names_stay_until_the_new_ones_are_there(study: StudyRecord, state: JobState) -> None:
    job = api.annotate(study.id, study.tissue, "leiden", 0.5)
    index.put(job.model_copy(update={"state": state, "error": {"what": "It broke."}}))
    assert api.study(study.id).types[study.tissue] == "column"
    assert names_in_use(study) == {"T cell", "tumour"}
    with pytest.raises(UserError, match="not there"):
        api.use_naming(study.id, job.id)
    assert api.study(study.id).past == ()


def test_a_naming_is_used_once_and_can_be_taken_back(study: StudyRecord) -> None:
    job = finish(api.annotate(study.id, study.tissue, "leiden"), np.full(N_CELLS, "cluster 1"))
    assert api.annotate(study.id, study.tissue, "leiden").id == job.id, "a second click starts nothing"
    for _ in range(2):
        used = api.use_naming(study.id, job.id, instead_of="column")
    assert [step.did for step in used.past] == ["groups of similar expression in a tissue"]
    assert names_in_use(study) == {"cluster 1"}
    assert api.naming(study.id, study.tissue).how == "leiden"
    assert api.undo(study.id).types[study.tissue] == "column"
    assert api.naming(study.id, study.tissue) is None


def test_another_window_is_not_overruled_unseen(study: StudyRecord) -> None:
    first, second = (finish(api.annotate(study.id, study.tissue, "leiden", value)) for value in (0.5, 2.0))
    api.use_naming(study.id, first.id, instead_of="column")
    with pytest.raises(UserError, match="changed in the meantime"):
        api.use_naming(study.id, second.id, instead_of="column")
    assert api.study(study.id).types[study.tissue] == first.id
    assert [job.id for job in api.namings(study.id, study.tissue)] == [second.id, first.id]
    assert api.use_naming(study.id, second.id).types[study.tissue] == second.id


def test_a_naming_of_a_data_set_that_left_the_study_is_refused(study: StudyRecord, dataset: Callable) -> None:
    stranger = dataset("tissue", PANEL, name="another")
    job = finish(JobStatus(id="annotate-x", kind="annotate", params={"dataset": stranger.id, "how": "leiden"}))
    index.put(job)
    with pytest.raises(NotFound):
        api.use_naming(study.id, job.id)


@pytest.mark.parametrize("resolution", [0, 0.05, 5.1, float("nan"), -1])
def test_a_resolution_has_bounds(study: StudyRecord, resolution: float) -> None:
    with pytest.raises(UserError, match=r"between 0\.1 and 5"):
        api.annotate(study.id, study.tissue, "leiden", resolution)


def test_equal_work_has_one_name(study: StudyRecord) -> None:
    plain = api.annotate(study.id, study.tissue, "leiden", 1)
    assert plain.params == {"dataset": study.tissue, "how": "leiden"}
    assert api.annotate(study.id, study.tissue, "transfer").params.keys() == {"dataset", "how", "reference", "version"}
    lists = [api.name_by_markers(study.id, study.tissue, text) for text in ("T: cd3e", "type,gene\nT,CD3E\n")]
    assert lists[0].id == lists[1].id
    assert lists[0].params["lists"] == {"T": ["CD3E"]}


def test_names_of_the_reference_go_along_when_types_are_transferred(study: StudyRecord) -> None:
    job = api.edit_types(study.id, study.reference, {"tumour": "Tumour"})
    finish(job)
    assert "reference_types" not in api.annotate(study.id, study.tissue, "transfer").params, "not in use yet"
    api.use_naming(study.id, job.id)
    assert api.annotate(study.id, study.tissue, "transfer").params["reference_types"] == job.id


def test_another_tissue_is_named_as_the_study_names_the_reference_now(study: StudyRecord, dataset: Callable) -> None:
    job = finish(api.edit_types(study.id, study.reference, {"tumour": "Tumour"}))
    api.use_naming(study.id, job.id)
    other = dataset("tissue", PANEL, has_types=False, name="another slide")
    moved = api.use_dataset(study.id, "tissue", other.id)
    assert api.job(moved.types[other.id]).params["reference_types"] == job.id


def test_a_reference_without_names_of_its_own_can_teach_once_it_has_some(dataset: Callable) -> None:
    bare = dataset("reference", TRANSCRIPTOME, has_types=False)
    tissue = dataset("tissue", PANEL)
    study = api.create_study("s", tissue.id, bare.id)
    finish(api.job(study.types[bare.id]))
    with pytest.raises(UserError, match="numbered groups, which are no names"):
        api.annotate(study.id, tissue.id, "transfer")
    named = api.edit_types(study.id, bare.id, {"T cell": "Lymphocyte"})
    api.use_types(study.id, bare.id, named.id, "names")
    with pytest.raises(UserError, match=r"names none yet \(queued\)"):
        api.annotate(study.id, tissue.id, "transfer")
    finish(named)
    assert api.annotate(study.id, tissue.id, "transfer").params["reference_types"] == named.id
    with pytest.raises(UserError, match="the reference itself"):
        api.annotate(study.id, bare.id, "transfer")


def test_an_edit_starts_from_the_names_in_use(study: StudyRecord) -> None:
    job = api.edit_types(study.id, study.tissue, {"tumour": "Tumour", "T cell": "T cell"})
    assert job.params == {"dataset": study.tissue, "how": "edit", "base": "column", "renames": {"tumour": "Tumour"}}
    finish(job)
    api.set_colours(study.id, {"tumour": "#FF0000"})
    assert api.use_naming(study.id, job.id).colours == {"tumour": "#ff0000", "Tumour": "#ff0000"}
    assert api.naming(study.id, study.tissue).how == "column"
    with pytest.raises(UserError, match="'gone'"):
        api.edit_types(study.id, study.tissue, {"gone": "x"})
    split = {"T cell": {"by": "gene", "gene": "cd3e ", "above": 1}}
    again = api.edit_types(study.id, study.tissue, {}, split)
    assert again.params["base"] == job.id
    assert again.params["splits"]["T cell"]["gene"] == "CD3E"
    with pytest.raises(NotFound, match="'MYC' is not measured"):
        api.edit_types(study.id, study.tissue, {}, {"T cell": {"by": "gene", "gene": "MYC", "above": 1}})


def test_the_quick_look_takes_new_names_over(study: StudyRecord, dataset: Callable) -> None:
    region = dataset("tissue", PANEL, name="region", parent=study.tissue)
    api.use_quick_look(study.id, region.id)
    job = finish(api.edit_types(study.id, study.tissue, {"tumour": "Tumour"}))
    used = api.use_naming(study.id, job.id)
    params = {"dataset": region.id, "how": "inherit", "base": job.id}
    assert api.job(used.types[region.id]).params == params
    finish(api.job(used.types[region.id]))
    assert api.naming(study.id, region.id).how == "column"


def test_a_version_made_while_names_are_worked_out_is_named_the_same_way(dataset: Callable) -> None:
    tissue, reference = dataset("tissue", PANEL, has_types=False), dataset("reference", TRANSCRIPTOME)
    study = api.create_study("s", tissue.id, reference.id)
    version = dataset("tissue", PANEL, has_types=False, name="version", parent=tissue.id)
    moved = api.use_dataset(study.id, "tissue", version.id)
    assert api.job(moved.types[version.id]).params == {
        "dataset": version.id, "how": "transfer", "reference": reference.id, "version": 2
    }  # fmt: skip


def test_a_pickle_is_not_opened(study: StudyRecord, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no pickle is opened"):
        api.name_by_model(study.id, study.tissue, tmp_path / "Immune_All_Low.pkl", trusted=True)
    (tmp_path / "model.csv").write_text("gene,A,B\n")
    with pytest.raises(DataError, match="may not be read"):
        api.name_by_model(study.id, study.tissue, tmp_path / "model.csv")
    job = api.name_by_model(study.id, study.tissue, tmp_path / "model.csv", vote=True, trusted=True)
    assert job.params["vote"] is True
    assert job.params["stamp"][0] == 9


def test_groups_come_as_a_table(study: StudyRecord, tmp_path: Path) -> None:
    (tmp_path / "groups.xlsx").write_text("x")
    with pytest.raises(DataError, match=r"does not end in .csv"):
        api.import_groups(study.id, study.tissue, tmp_path / "groups.xlsx", trusted=True)


def test_types_that_an_edit_left_alone_keep_the_colour_in_sight(study: StudyRecord) -> None:
    job = finish(api.edit_types(study.id, study.tissue, {"tumour": "Tumour"}))
    seen = {"T cell": "#0072b2", "tumour": "#e69f00"}
    used = api.use_naming(study.id, job.id, colours=seen)
    assert used.colours == {**seen, "Tumour": "#e69f00"}


def test_colours_of_a_file_are_used_with_its_names_and_taken_back_with_them(study: StudyRecord, tmp_path: Path) -> None:
    (tmp_path / "groups.csv").write_text("cell_id,group\nc0,T\n")
    job = finish(
        api.import_groups(study.id, study.tissue, tmp_path / "groups.csv", trusted=True), colours={"T": "#123456"}
    )
    assert api.use_naming(study.id, job.id).colours == {"T": "#123456"}
    assert api.undo(study.id).colours == {}


def test_what_is_written_names_every_cell(study: StudyRecord) -> None:
    lines = api.export_groups(study.id, study.tissue).decode().splitlines()
    assert lines[:2] == ["cell_id,group", "c0,T cell"]
    assert len(lines) == 1 + N_CELLS
    coloured = api.export_groups(study.id, study.tissue, {"T cell": "#000000", "tumour": "#ffffff"}).decode()
    assert coloured.splitlines()[1] == "c0,T cell,#000000"


@pytest.mark.parametrize("colour", ["red", "#12345", "#12345g", "#123456; x", "url(x)"])
def test_a_colour_is_a_hex(study: StudyRecord, colour: str) -> None:
    with pytest.raises(UserError, match="is no colour"):
        api.set_colours(study.id, {"T cell": colour})


def test_a_colour_is_chosen_and_given_back(study: StudyRecord) -> None:
    assert api.set_colours(study.id, {"T cell": "#ABCDEF", "tumour": "#000000"}).colours["T cell"] == "#abcdef"
    assert api.set_colours(study.id, {"T cell": None}).colours == {"tumour": "#000000"}
    assert len(api.study(study.id).past) == 2
    with pytest.raises(UserError, match="stay grey"):
        api.set_colours(study.id, {"unsure": "#ff0000"})


def test_the_atlas_names_are_offered_where_they_mean_the_same(study: StudyRecord) -> None:
    job = finish(api.annotate(study.id, study.tissue, "leiden"), np.where(TYPES == "tumour", "Tumors", "T cells"))
    api.use_naming(study.id, job.id)
    assert api.same_names(study.id, study.tissue) == {"Tumors": "tumour", "T cells": "T cell"}
    assert api.same_names(study.id, study.reference) == {}


def test_marker_lists_are_checked_without_a_job(study: StudyRecord) -> None:
    found = api.check_markers("T cell: CD3E, FOO", study.tissue)
    assert found.lists == {"T cell": ("CD3E",)}
    assert "FOO" in found.notes[0]
    with pytest.raises(DataError, match="No list has a gene"):
        api.name_by_markers(study.id, study.tissue, "T: FOO")
    assert api.jobs() == []
