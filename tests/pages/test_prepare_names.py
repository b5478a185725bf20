"""Cell names: the map, where to doubt, five ways, editing; and a naming under way changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from backend import api
from backend.records import JobState, JobStatus, StudyRecord, now
from backend.store import index, layout
from tests.pages.conftest import N_CELLS, Open
from tests.pages.test_pages import texts

GROUPS = np.where(np.arange(N_CELLS) < 5, "group 1", "")
FACTS = {
    "calibration": {"ece": 0.02, "n": 300, "bins": [[0.4, 0.5, 100], [0.9, 0.9, 200]]},
    "held_out_accuracy": 0.91, "held_out_macro_f1": 0.87, "sure_from": 0.5, "types": 2,
    "no_counterpart": [{"group": "group 1", "cells": 5, "median_probability": 0.2, "distance": 1.4, "limit": 1.0,
                        "nearest": "T cell", "markers": ["KIT", "CPA3"]}],
}  # fmt: skip


def finish(job: JobStatus, facts: dict[str, Any], extra: dict[str, Any], **tables: pd.DataFrame) -> JobStatus:
    folder = layout.result_folder(job.id)
    folder.mkdir(parents=True)
    cells = api.dataset_obs(job.params["dataset"], []).index
    types = np.where(np.arange(N_CELLS) < 5, "unsure", np.where(np.arange(N_CELLS) % 2, "T cells", "tumour"))
    table = pd.DataFrame({"cell": cells, "type": pd.Categorical(types), "probability": np.linspace(0, 1, N_CELLS)})
    table.assign(**extra).to_parquet(folder / "types.parquet")
    for name, rows in tables.items():
        rows.to_parquet(folder / f"{name}.parquet")
    result = {"source": "Transferred from *A*: predictions.", "unsure": 0.04, **facts}
    job = job.model_copy(update={"state": JobState.SUCCEEDED, "finished": now(), "result": result})
    index.put(job)
    return job


@pytest.fixture
def transferred(study: StudyRecord) -> JobStatus:
    """Types of the tissue, found and in use."""
    confusion = pd.DataFrame([("T cell", "T cell", 90), ("tumour", "T cell", 9)], columns=["truth", "predicted", "n"])
    job = finish(api.annotate(study.id, study.tissue, "transfer"), FACTS, {"group": GROUPS}, confusion=confusion)
    api.use_naming(study.id, job.id)
    return job


def button(app: AppTest, label: str) -> Any:
    (found,) = [each for each in app.button if each.label == label]
    return found


def open_names(open_page: Open, **link: str) -> AppTest:
    app = open_page("preparation", view="names", **link)
    assert not app.exception
    assert not app.error
    return app


@pytest.mark.parametrize("part", ["tissue", "reference", "validation"])
@pytest.mark.parametrize("how", ["transfer", "markers", "model", "leiden", "groups"])
def test_every_part_and_way_stands(open_page: Open, study: StudyRecord, part: str, how: str) -> None:
    app = open_names(open_page, part=part, how=how)
    assert app.query_params["part"] == part
    assert "Types as the data name them" in texts(app)
    if how == "transfer" and part == "reference":
        assert app.query_params["how"] != "transfer", "an atlas cannot teach itself"
    else:
        assert app.query_params["how"] == how


def test_where_to_doubt_shows_curve_confusion_and_unknown_groups(open_page: Open, transferred: JobStatus) -> None:
    app = open_names(open_page, look="doubt")
    shown = {metric.label: metric.value for metric in app.metric}
    assert (shown["Rightly named"], shown["Macro F1"], shown["Calibration error"]) == ("91%", "0.87", "0.020")
    told = texts(app)
    assert "1 group, 5 cells" in told
    assert r"Transferred from \*A\*\: predictions\." in told
    assert "300 draws of held\\-out atlas cells" in told
    assert "99 draws of held\\-out atlas cells" in told


def test_types_too_small_to_hold_any_cell_out_leave_nothing_to_calibrate(open_page: Open, study: StudyRecord) -> None:
    facts = {"calibration": {"ece": None, "n": 0, "bins": [[0.9, 0.9, 0]]}, "held_out_accuracy": None}
    job = finish(api.annotate(study.id, study.tissue, "transfer"), FACTS | facts, {"group": GROUPS})
    api.use_naming(study.id, job.id)
    app = open_names(open_page, look="doubt")
    assert "Calibration error" not in [metric.label for metric in app.metric]


def test_an_older_naming_has_no_more_than_its_probability(open_page: Open, study: StudyRecord) -> None:
    job = finish(api.annotate(study.id, study.tissue, "transfer"), {}, {})
    api.use_naming(study.id, job.id)
    app = open_names(open_page, look="doubt")
    assert "Cells that the atlas does not know" not in [head.value for head in app.subheader]


def test_a_naming_under_way_changes_nothing_and_is_then_used(open_page: Open, study: StudyRecord) -> None:
    app = open_names(open_page, how="leiden")
    button(app, "Group the cells").click().run()
    job_id = app.query_params["job"]
    assert api.job(job_id).state is JobState.QUEUED
    assert api.study(study.id).types[study.tissue] == "column"
    finish(api.job(job_id), {"types": 2}, {})
    app.run()
    assert not app.exception
    assert api.study(study.id).types[study.tissue] == job_id
    assert "job" not in app.query_params
    assert button(app, "Undo")


def test_a_link_to_finished_names_asks_before_it_uses_them(open_page: Open, study: StudyRecord) -> None:
    job = finish(api.annotate(study.id, study.validation or "", "leiden"), {}, {})
    app = open_names(open_page, job=job.id)
    assert app.query_params["part"] == "validation"
    assert api.study(study.id).past == ()
    button(app, "Use them").click().run()
    assert api.study(study.id).types[study.validation or ""] == job.id


def test_the_first_names_are_waited_for_in_one_place(open_page: Open, study: StudyRecord) -> None:
    """The study's own first naming, asked for once more by hand, is the same job."""
    job = api.annotate(study.id, study.tissue, "leiden")
    api.use_types(study.id, study.tissue, job.id, "as a new study starts")
    app = open_names(open_page, how="leiden")
    button(app, "Group the cells").click().run()
    assert not app.exception
    assert app.query_params["job"] == job.id
    assert len([each for each in app.button if each.label == "Cancel"]) <= 1
    finish(job, {"types": 2}, {})
    app.run()
    assert not app.exception
    assert "job" not in app.query_params


def test_names_that_failed_leave_the_old_ones(open_page: Open, study: StudyRecord) -> None:
    app = open_names(open_page, how="leiden")
    button(app, "Group the cells").click().run()
    job = api.job(app.query_params["job"])
    error = {"kind": "DataError", "what": "It cannot be grouped.", "why": "", "mend": ""}
    index.put(job.model_copy(update={"state": JobState.FAILED, "finished": now(), "error": error}))
    app.run()
    assert "It cannot be grouped" in texts(app)
    assert api.study(study.id).types[study.tissue] == "column"
    button(app, "Leave it").click().run()
    assert "job" not in app.query_params


def test_another_windows_names_are_not_overruled(open_page: Open, study: StudyRecord) -> None:
    app = open_names(open_page, how="leiden")
    button(app, "Group the cells").click().run()
    mine = finish(api.job(app.query_params["job"]), {}, {})
    other = finish(api.annotate(study.id, study.tissue, "leiden", 2.0), {}, {})
    api.use_naming(study.id, other.id)
    app.run()
    assert api.study(study.id).types[study.tissue] == other.id
    assert "changed in the meantime" in texts(app)
    app.run()
    button(app, "Use them").click().run()
    assert api.study(study.id).types[study.tissue] == mine.id


def test_pasted_lists_are_checked_as_one_types(open_page: Open, study: StudyRecord) -> None:
    app = open_names(open_page, how="markers")
    assert button(app, "Score the lists").disabled
    app.text_area[0].set_value("T cell: CD3E, FOO\nMast: KIT").run()
    told = texts(app) + "".join(str(each.value) for each in app.success)
    assert "FOO" in told
    assert "'Mast' is left out" in told
    assert "1 lists with 1 genes" in told
    app.text_area[0].set_value("T cell:").run()
    assert button(app, "Score the lists").disabled
    app.text_area[0].set_value("T cell: CD3E").run()
    button(app, "Score the lists").click().run()
    assert api.job(app.query_params["job"]).params["lists"] == {"T cell": ["CD3E"]}


def test_what_lists_suggest_is_looked_at_before_it_is_used(open_page: Open, study: StudyRecord) -> None:
    told = {"suggestions": [{"group": "cluster 1", "cells": N_CELLS, "suggestion": "T cell", "best": "T cell",
                             "score": 1.2, "second": "tumour", "margin": 0.9}]}  # fmt: skip
    dots = pd.DataFrame(
        [("cluster 1", "T cell", "CD3E", 1.0, 0.5)], columns=["cluster", "type", "gene", "mean", "share"]
    )
    job = api.name_by_markers(study.id, study.tissue, "T cell: CD3E")
    job = finish(job, told, {"group": "cluster 1"}, dots=dots, scores=dots)
    app = open_names(open_page, job=job.id)
    assert "1 of 1 groups score clearly best" in texts(app)
    assert api.study(study.id).types[study.tissue] == "column"
    button(app, "Use these names").click().run()
    assert api.study(study.id).types[study.tissue] == job.id


def test_the_atlas_name_is_offered_for_the_same_type(open_page: Open, transferred: JobStatus) -> None:
    app = open_names(open_page)
    assert "**T cells** here, **T cell** there" in texts(app)
    button(app, "Take over the atlas's names").click().run()
    params = api.job(app.query_params["job"]).params
    assert params["renames"] == {"T cells": "T cell"}
    assert params["base"] == transferred.id


def test_a_split_is_asked_for_and_nothing_is_said_to_be_nothing(open_page: Open, study: StudyRecord) -> None:
    app = open_names(open_page)
    button(app, "Apply").click().run()
    assert "Nothing was changed" in texts(app)
    (type_,) = [each for each in app.selectbox if each.label == "Type"]
    type_.set_value("tumour").run()
    button(app, "Apply").click().run()
    assert api.job(app.query_params["job"]).params["splits"] == {"tumour": {"by": "leiden", "resolution": 0.5}}


def test_a_type_of_one_cell_is_met_with_words(open_page: Open, study: StudyRecord) -> None:
    job = api.annotate(study.id, study.tissue, "leiden")
    finish(job, {}, {})
    path = layout.result_folder(job.id) / "types.parquet"
    table = pd.read_parquet(path).astype({"type": object})
    table.loc[0, "type"] = "lonely"
    table.to_parquet(path)
    api.use_naming(study.id, job.id)
    app = open_names(open_page)
    assert "1 type with a single cell (lonely)" in texts(app)


def test_earlier_names_can_be_gone_back_to(open_page: Open, study: StudyRecord, transferred: JobStatus) -> None:
    app = open_names(open_page)
    app.button("earlier.column").click().run()
    assert api.study(study.id).types[study.tissue] == "column"
    app.button(f"earlier.{transferred.id}").click().run()
    button(app, "Use them").click().run()
    assert api.study(study.id).types[study.tissue] == transferred.id


def test_a_file_of_the_server_names_cells(
    open_page: Open, study: StudyRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    (folder / "groups.csv").write_text("cell_id,group\ntissue-0,T\n")
    monkeypatch.setenv("RESITU_FOLDERS", str(folder))
    app = open_names(open_page, how="groups")
    (server,) = [each for each in app.selectbox if "server" in each.label]
    server.set_value(str(folder / "groups.csv")).run()
    button(app, "Take these names").click().run()
    assert api.job(app.query_params["job"]).params["path"] == str(folder / "groups.csv")
