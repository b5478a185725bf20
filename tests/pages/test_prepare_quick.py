"""Quick look: a region of the tissue, the run that follows by itself, and then the whole tissue."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from backend import api
from backend.errors import UserError
from backend.records import Area, JobState, Recipe, StudyRecord
from backend.store import index, layout
from tests.pages.conftest import Open
from tests.pages.test_home import blue
from tests.pages.test_pages import texts

REGION = Recipe(regions=(Area(name="here", section="1", corners=((0, 0), (300, 0), (300, 300))),))


def made(study: StudyRecord, region: str) -> str:
    """The job of a version, done."""
    job = api.start_version(study.tissue, REGION)
    done: dict[str, Any] = {"state": JobState.SUCCEEDED, "result": {"dataset": region, "cells": 60, "of": 120}}
    index.put(job.model_copy(update=done))
    return job.id


@pytest.fixture
def region(study: StudyRecord) -> str:
    shutil.copytree(layout.dataset_folder(study.tissue), layout.dataset_folder("d-region"))
    version = {"id": "d-region", "parent": study.tissue, "recipe": REGION}
    index.put(api.dataset(study.tissue).model_copy(update=version))
    return "d-region"


def test_a_small_tissue_is_taken_whole(open_page: Open, study: StudyRecord) -> None:
    app = open_page("preparation", view="quick")
    assert not app.exception
    assert "takes all of it" in texts(app)
    assert len(blue(app)) == 1
    app.button(key="train Quick look").click().run()
    [run] = api.runs(study.id)
    assert (run.tissue, run.config["epochs"]) == (study.tissue, api.preset("scxm", "Quick look")["epochs"])
    assert app.query_params["run"] == run.id


def test_a_large_tissue_offers_a_contiguous_region(open_page: Open, study: StudyRecord, monkeypatch: Any) -> None:
    monkeypatch.setattr(api, "quick_look_cells", lambda tissue: 40)
    app = open_page("preparation", view="quick")
    assert not app.exception
    assert "contiguous piece" in texts(app)
    app.button(key="train Quick look").click().run()
    [job] = [job for job in api.jobs() if job.kind == "version"]
    assert len(job.params["recipe"]["regions"]) == 1
    assert api.study(study.id).region_job == job.id


def test_the_training_follows_the_region_whatever_page_one_is_on(
    open_page: Open, study: StudyRecord, region: str
) -> None:
    job = made(study, region)
    index.update(StudyRecord, study.id, lambda old: old.model_copy(update={"region_job": job}))
    app = open_page("upload")
    assert not app.exception
    now = api.study(study.id)
    assert (now.quick, now.region_job) == (region, None)
    [run] = api.runs(study.id)
    assert run.tissue == region
    assert app.query_params["run"] == run.id


def test_a_region_that_cannot_be_trained_on_is_said_and_breaks_no_page(
    open_page: Open, study: StudyRecord, region: str, monkeypatch: Any
) -> None:
    job = made(study, region)
    index.update(StudyRecord, study.id, lambda old: old.model_copy(update={"region_job": job}))

    def refuse(*_: object, **__: object) -> None:
        raise UserError("The region is too small.", "It has 3 cells.", "Draw a larger one.")

    said: list[str] = []
    monkeypatch.setattr("backend.api._runs.start_run", refuse)
    monkeypatch.setattr("streamlit.toast", lambda text, **_: said.append(text))
    app = open_page("upload")
    assert not app.exception
    assert not app.error
    assert api.study(study.id).region_job is None
    assert [text.replace("\\", "") for text in said] == ["No quick look. The region is too small. It has 3 cells."]


def test_a_link_to_a_region_does_not_change_the_study(open_page: Open, study: StudyRecord, region: str) -> None:
    job = made(study, region)
    app = open_page("preparation", view="quick", job=job)
    assert not app.exception
    assert api.study(study.id).quick is None
    assert api.runs(study.id) == []


def test_a_region_of_a_tissue_that_was_changed_is_dropped(study: StudyRecord, region: str) -> None:
    job = made(study, region)
    index.update(
        StudyRecord, study.id, lambda old: old.model_copy(update={"region_job": job, "tissue": "d-validation"})
    )
    assert api.continue_quick_look(study.id) is None
    assert api.study(study.id).region_job is None


def test_a_sampled_file_is_told(open_page: Open, study: StudyRecord, monkeypatch: Any) -> None:
    monkeypatch.setattr(api, "sampled", lambda tissue: "The file holds a sample of the cells.")
    assert "sample of the cells" in texts(open_page("preparation", view="quick"))


def test_an_answer_is_offered_and_the_whole_tissue_is_next(open_page: Open, run: Any, study: StudyRecord) -> None:
    app = open_page("preparation", view="quick")
    assert "The whole tissue is trained" in texts(app)
    app.button(key=f"see.{run.id}").click().run()
    assert app.title[0].value == "Predict"
