from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from backend import api
from backend.errors import NotFound, UserError
from backend.records import DatasetRecord, JobState, JobStatus, StudyRecord
from backend.store import index, layout
from tests.api.conftest import PANEL, TRANSCRIPTOME

PARTS = {"panel": 1.0, "expression": 0.6, "cells": 0.9, "names": 0.5, "types": 0.7}


def finished(job: JobStatus, **facts: Any) -> JobStatus:
    folder = layout.result_folder(job.id)
    folder.mkdir(parents=True)
    for name in ("cells", "types", "atlas_types", "genes"):
        pd.DataFrame({name: [1]}).to_parquet(folder / f"{name}.parquet")
    done = job.model_copy(update={"state": JobState.SUCCEEDED, "result": {"parts": PARTS, **facts}})
    index.put(done)
    return done


@pytest.fixture
def study(tissue: DatasetRecord, reference: DatasetRecord) -> StudyRecord:
    return api.create_study("Lung", tissue.id, reference.id)


def test_a_match_is_named_by_what_it_compares_and_found_again(study: StudyRecord) -> None:
    assert api.find_match(study.id) is None
    job = api.start_match(study.id)
    assert job.params == {
        "version": 2, "tissue": study.tissue, "reference": study.reference,
        "tissue_types": "column", "reference_types": "column",
    }  # fmt: skip
    assert api.start_match(study.id).id == job.id
    found = api.find_match(study.id)
    assert found is not None
    assert found.id == job.id


def test_names_that_came_from_an_atlas_are_not_matched_with_it(dataset, reference) -> None:
    bare = dataset("tissue", PANEL, has_types=False)
    study = api.create_study("s", bare.id, reference.id)
    assert api.start_match(study.id).params["tissue_types"] == "groups"
    named = api.job(study.types[bare.id])
    index.put(named.model_copy(update={"state": JobState.SUCCEEDED, "result": {"types": 3}}))
    assert api.start_match(study.id).params["tissue_types"] == "groups"
    edited = JobStatus(
        id="annotate-edit", kind="annotate", params={"how": "edit", "base": named.id}, state=JobState.SUCCEEDED,
        result={"types": 3},
    )  # fmt: skip
    index.put(edited)
    api.use_types(study.id, bare.id, edited.id, "names edited")
    assert api.start_match(study.id).params["tissue_types"] == "groups"


def test_names_of_ones_own_are_used_once_they_are_there(dataset, reference) -> None:
    bare = dataset("tissue", PANEL, has_types=False)
    study = api.create_study("s", bare.id, reference.id)
    job = JobStatus(id="annotate-own", kind="annotate", params={"how": "markers"})
    index.put(job)
    api.use_types(study.id, bare.id, job.id, "markers")
    assert api.start_match(study.id).params["tissue_types"] == "groups"  # still being worked out
    index.put(job.model_copy(update={"state": JobState.SUCCEEDED, "result": {"types": 3}}))
    assert api.start_match(study.id).params["tissue_types"] == job.id


def test_an_atlas_without_types_cannot_be_matched(dataset, study: StudyRecord) -> None:
    bare = dataset("reference", (*PANEL, "X1"), has_types=False)
    with pytest.raises(UserError, match="names no cell types"):
        api.start_match(study.id, bare.id)
    assert api.find_match(study.id, bare.id) is None


def test_a_match_is_read(study: StudyRecord) -> None:
    job = api.start_match(study.id)
    with pytest.raises(UserError, match="no result yet"):
        api.match(job.id)
    finished(job, fit=70.0)
    assert api.match(job.id).facts["fit"] == 70.0
    index.put(JobStatus(id="niche-1", kind="niche", params={}))
    with pytest.raises(NotFound, match="is no match"):
        api.match("niche-1")


def test_atlases_are_ranked_by_their_fit_and_the_rest_says_why_not(dataset, study: StudyRecord) -> None:
    better = dataset("reference", (*TRANSCRIPTOME, "X1"), name="better")
    bare = dataset("reference", (*TRANSCRIPTOME, "X2"), name="bare", has_types=False)
    made_up = dataset("reference", (*TRANSCRIPTOME, "X3"), name="made up", simulated=True)
    away = dataset("reference", (*TRANSCRIPTOME, "X4"), name="away", archived=True)
    started = api.start_ranking(study.id)
    assert {job.params["reference"] for job in started} == {study.reference, better.id}
    finished(api.start_match(study.id), fit=60.0)
    finished(api.start_match(study.id, better.id), fit=80.0)
    rows = api.rank_atlases(study.id)
    assert [row.record.id for row in rows[:2]] == [better.id, study.reference]
    assert {row.record.id: bool(row.skipped) for row in rows[2:]} == {bare.id: True, made_up.id: True}
    assert away.id not in {row.record.id for row in rows}
    assert api.start_ranking(study.id) == []


def test_of_a_family_the_newest_and_the_one_in_use_are_ranked(dataset, study: StudyRecord) -> None:
    middle = dataset("reference", TRANSCRIPTOME[:-1], name="middle", parent=study.reference, created="2040-01-01")
    newest = dataset("reference", TRANSCRIPTOME[:-2], name="newest", parent=middle.id, created="2040-01-02")
    assert {row.record.id for row in api.rank_atlases(study.id)} == {study.reference, newest.id}


def test_why_one_is_better_needs_both(dataset, study: StudyRecord) -> None:
    better = dataset("reference", (*TRANSCRIPTOME, "X1"), name="better")
    finished(api.start_match(study.id), fit=60.0)
    assert api.why_better(*api.rank_atlases(study.id)) == ""
    finished(api.start_match(study.id, better.id), fit=80.0, parts={**PARTS, "cells": 0.99})
    assert "share of cells with a counterpart: 0.99 against 0.90" in api.why_better(*api.rank_atlases(study.id))


def test_the_size_of_an_atlas_that_this_machine_trains_on(study: StudyRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 16_000_000_000 // 4096}
    monkeypatch.setattr("os.sysconf", pages.__getitem__)
    roomy, said = api.suggest_atlas_size(study.id)
    assert f"{roomy:,} cells train in about" in said
    assert "16 GB" in said
    pages["SC_PHYS_PAGES"] = 1_000_000_000 // 4096
    assert api.suggest_atlas_size(study.id)[0] < roomy
