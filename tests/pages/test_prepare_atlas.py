"""The Atlas step: ask for a match, read it, take another atlas, make it smaller."""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np
import pandas as pd
import pytest

from backend import api
from backend.analysis.match_verdict import judge
from backend.records import DatasetRecord, JobState, StudyRecord, now
from backend.store import index, layout
from tests.pages.conftest import N_CELLS, PANEL, Open

pytestmark = pytest.mark.usefixtures("study")


def finished(study: StudyRecord, reference: str | None = None, fit: float = 70.0, **changes: Any) -> None:
    """A match as its job leaves it: of two types, "tumour" has no counterpart."""
    job = api.start_match(study.id, reference)
    folder = layout.result_folder(job.id)
    folder.mkdir(parents=True)
    names = np.array(["T cell", "tumour"] * (N_CELLS // 2))
    pd.DataFrame(
        {"cell": [f"tissue-{i}" for i in range(N_CELLS)], "type": names, "counterpart": names == "T cell"}
    ).to_parquet(folder / "cells.parquet")
    pd.DataFrame(
        {
            "type": ["T cell", "tumour"], "cells": 60, "nearest": ["T cell", "B cell"], "distance": [0.5, 1.2],
            "probability": [0.9, 0.1], "why": ["", "profile"], "counterpart": [True, False], "markers": [3, 2],
            "present": [3, 1], "marker_genes": ["CD3E, CXCR4", "EPCAM, KRT8"],
        }
    ).to_parquet(folder / "types.parquet")  # fmt: skip
    pd.DataFrame({"type": ["T cell"]}).to_parquet(folder / "atlas_types.parquet")
    shares = {f"{kind}_{side}": 0.5 for kind in ("mean", "detection") for side in ("tissue", "atlas")}
    pd.DataFrame({"gene": list(PANEL), **shares}).to_parquet(folder / "genes.parquet")
    facts: dict[str, Any] = {
        "panel": 5, "shared": 5, "lacking": [], "lacking_more": 0, "species": ["human", "human"], "organs": {},
        "tissue_cells": N_CELLS, "tissue_sample": N_CELLS, "atlas_cells": N_CELLS, "atlas_sample": N_CELLS, "seed": 0,
        "depth": {"tissue": 50.0, "reference": None}, "genes_per_cell": {"tissue": 4.0, "reference": 5.0},
        "grouped": False, "atlas_type_count": 2, "fit": fit, "r_genes": 0.6, "counterpart": 0.5, "doubtful": [],
        "parts": {"panel": 1.0, "expression": 0.6, "cells": 0.5, "names": 0.5, "types": 0.7}, "types": 2,
        "markers": 5, "markers_present": 4, "no_counterpart": [{"type": "tumour"}],
    } | changes  # fmt: skip
    done = {"state": JobState.SUCCEEDED, "result": facts | judge(facts), "finished": now()}
    index.put(job.model_copy(update=done))


def another() -> DatasetRecord:
    """A second atlas."""
    record = api.dataset("d-reference")
    other = record.model_copy(update={"id": "d-other", "name": "Other *atlas*", "fingerprint": "other"})
    folder = layout.dataset_folder(other.id)
    shutil.copytree(layout.dataset_folder(record.id), folder)
    layout.write_json(folder / "record.json", other.model_dump(mode="json"))
    index.put(other)
    return other


def words(app: Any) -> str:
    kinds = (app.markdown, app.caption, app.success, app.warning, app.error, app.info)
    return " ".join(element.value for kind in kinds for element in kind)


def press(app: Any, label: str) -> Any:
    next(button for button in app.button if button.label == label).click()
    return app.run()


def test_without_a_match_there_is_a_button_that_starts_one(open_page: Open, study: StudyRecord) -> None:
    app = open_page("preparation", view="atlas")
    assert api.find_match(study.id) is None
    app = press(app, "Match the atlas")
    assert not app.exception
    job = api.find_match(study.id)
    assert job is not None
    assert job.state is JobState.QUEUED
    assert any("waits for workers" in warning.value for warning in app.warning)


def test_the_verdict_comes_first_then_the_numbers(open_page: Open, study: StudyRecord) -> None:
    finished(study)
    app = open_page("preparation", view="atlas")
    assert not app.exception
    [verdict] = [box.value for box in app.warning if "fits in part" in box.value]
    assert "1 of the tissue's 2 cell types has no counterpart" in verdict.replace("\\", "")
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Shared genes"] == "5 of 5"
    assert shown["Markers present"] == "4 of 5"
    assert shown["Cells with a counterpart"] == "50%"
    assert shown["Genes per cell, tissue : atlas"] == "4 : 5"
    assert shown["Fit, of 100"] == "70"


def test_the_types_that_the_atlas_lacks_are_listed_with_the_reason(open_page: Open, study: StudyRecord) -> None:
    finished(study)
    app = open_page("preparation", view="atlas")
    table = next(frame.value for frame in app.dataframe if "marker_genes" in frame.value)
    assert table["type"].tolist() == ["tumour"]
    assert table["why"].tolist() == ["its profile is unlike every atlas type"]
    app.toggle(key="match.every").set_value(True).run()
    table = next(frame.value for frame in app.dataframe if "marker_genes" in frame.value)
    assert table["type"].tolist() == ["T cell", "tumour"]


def test_an_atlas_of_another_species_is_told_before_it_is_matched_and_used(open_page: Open, study: StudyRecord) -> None:
    mouse = another().model_copy(update={"species": "mouse"})
    index.put(mouse)
    app = open_page("preparation", view="atlas", other=mouse.id)
    assert "is mouse, your tissue human" in words(app).replace("\\", "")


def test_another_atlas_is_taken_and_given_back(open_page: Open, study: StudyRecord) -> None:
    other = another()
    finished(study)
    finished(study, other.id, fit=90.0)
    app = open_page("preparation", view="atlas")
    ranking = next(frame.value for frame in app.dataframe if "Verdict" in frame.value)
    assert ranking["Atlas"].tolist() == ["Other *atlas*", "A *reference* [x](y) (in use)"]
    app = press(app, "Use this atlas")
    assert not app.exception
    assert api.study(study.id).reference == other.id
    press(app, "Undo")
    assert api.study(study.id).reference == study.reference


def test_missing_matches_are_started_from_the_ranking(open_page: Open, study: StudyRecord) -> None:
    other = another()
    finished(study)
    press(open_page("preparation", view="atlas"), "Match 1 more")
    assert api.find_match(study.id, other.id) is not None


def test_the_only_atlas_is_not_ranked(open_page: Open, study: StudyRecord) -> None:
    app = open_page("preparation", view="atlas")
    assert "only atlas on this server" in words(app)


def test_a_smaller_atlas_is_counted_before_it_is_made(open_page: Open, study: StudyRecord) -> None:
    folder = layout.dataset_folder(study.reference)
    obs = pd.read_parquet(folder / "obs.parquet")
    obs["tissue"] = pd.Categorical(["lung"] * 80 + ["node"] * 40)
    obs.to_parquet(folder / "obs.parquet")
    app = open_page("preparation", view="atlas")
    assert f"{N_CELLS} of {N_CELLS} cells kept" in words(app)
    assert next(b for b in app.button if b.label == "Make this atlas and use it").disabled
    app.multiselect(key=f"where.{study.reference}.tissue").set_value(["lung"]).run()
    assert f"80 of {N_CELLS} cells kept" in words(app)
    app = press(app, "Make this atlas and use it")
    assert not app.exception
    job = api.job(app.query_params["job"])
    assert job.kind == "version"
    assert job.params["recipe"]["where"] == {"tissue": ["lung"]}
    assert job.params["recipe"]["balance_by"] == "column"
