"""Home: one blue button, three questions, two boxes, a checklist, and studies that are never lost by accident."""

from __future__ import annotations

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from backend import api
from backend.records import JobState, RunRecord, StudyRecord
from backend.store import index
from tests.pages.conftest import Open, write_dataset
from tests.pages.test_pages import texts


def blue(app: AppTest) -> list[str]:
    return [button.label for button in app.button if button.proto.type == "primary"]


def test_a_first_visitor_is_asked_what_and_given_one_way_on(open_page: Open) -> None:
    app = open_page("home")
    assert blue(app) == ["Try the demo (simulated)"]
    said = texts(app)
    for words in (
        "My tissue",
        "My single-cell atlas",
        "cells.parquet",
        "Show a gene my panel lacks",
        "Find and compare",
    ):
        assert words in said


def test_the_next_step_is_the_only_blue_button(open_page: Open, study: StudyRecord) -> None:
    app = open_page("home")
    assert blue(app) == ["Look at the quality of the cells"]
    api.settle(study.id, "quality")
    assert blue(open_page("home")) == ["See how the atlas matches"]
    api.settle(study.id, "matched")
    assert blue(open_page("home")) == ["Take a quick look"]


def test_with_everything_done_the_question_is_the_next_step(open_page: Open, run: RunRecord) -> None:
    api.settle("s-small", "quality")
    api.settle("s-small", "matched")
    app = open_page("home", goal="niches")
    assert blue(app) == ["Find and compare niches"]
    app.button(key="answer").click().run()
    assert app.title[0].value == "Niches"


def test_the_next_step_opens_its_view(open_page: Open, study: StudyRecord) -> None:
    api.settle(study.id, "quality")
    app = open_page("home")
    app.button(key="next").click().run()
    assert not app.exception
    assert (app.title[0].value, app.query_params["view"]) == ("Prepare", "atlas")


def test_two_data_sets_are_brought_together(open_page: Open) -> None:
    tissue, atlas = write_dataset("tissue", ("A", "B", "C", "D", "E")), write_dataset("reference", tuple("ABCDEF"))
    app = open_page("home", tissue=tissue.id, atlas=atlas.id)
    assert blue(app) == ["Bring them together"]
    next(button for button in app.button if button.label == "Bring them together").click().run()
    assert not app.exception
    [made] = api.studies()
    assert (made.tissue, made.reference) == (tissue.id, atlas.id)
    assert app.query_params["study"] == made.id
    assert blue(app) == ["Look at the quality of the cells"]


def test_another_species_is_said_before_it_is_used(open_page: Open) -> None:
    tissue, atlas = write_dataset("tissue", ("A", "B", "C", "D", "E")), write_dataset("reference", tuple("ABCDEF"))
    index.put(atlas.model_copy(update={"species": "mouse"}))
    app = open_page("home", tissue=tissue.id, atlas=atlas.id)
    assert "the atlas is mouse" in texts(app)


@pytest.mark.parametrize("part", ["tissue", "atlas"])
def test_a_part_that_is_not_here_is_forgotten(part: str, open_page: Open) -> None:
    app = open_page("home", **{part: "d-gone"})
    assert not app.exception
    assert part not in app.query_params


def test_an_unknown_gene_is_answered(open_page: Open, study: StudyRecord) -> None:
    app = open_page("home", gene="CXCR44")
    assert not app.exception
    assert "neither on your panel nor in the atlas" in texts(app)


def test_an_archived_study_comes_back(open_page: Open, study: StudyRecord) -> None:
    app = open_page("home")
    app.button(key=f"archive.{study.id}").click().run()
    assert api.studies() == []
    app.button(key="undo archive").click().run()
    assert [record.id for record in api.studies()] == [study.id]
    assert not app.exception


def test_a_study_is_deleted_only_after_a_second_word(open_page: Open, study: StudyRecord) -> None:
    app = open_page("home")
    assert app.button(key=f"delete.{study.id}").disabled
    app.checkbox(key=f"sure.{study.id}").check().run()
    app.button(key=f"delete.{study.id}").click().run()
    assert api.studies() == []
    assert not app.exception


def test_a_copy_gets_a_name_of_its_own(open_page: Open, study: StudyRecord) -> None:
    app = open_page("home")
    app.button(key=f"copy.{study.id}").click().run()
    assert sorted(record.name for record in api.studies()) == ["Small study", "Small study (copy)"]


def test_a_training_under_way_is_said_on_every_page(open_page: Open, run: RunRecord) -> None:
    index.put(api.job(run.id).model_copy(update={"state": JobState.RUNNING}))
    assert "1 training under way" in texts(open_page("upload"))


def test_words_are_found(open_page: Open) -> None:
    app = open_page("glossary", find="niche")
    assert "A kind of neighbourhood" in texts(app)
    assert "Xenium" not in texts(app)
    assert "No word fits" in texts(open_page("glossary", find="qqq"))


def test_what_was_just_added_stands_on_top(open_page: Open, study: StudyRecord) -> None:
    app = open_page("home", tissue=study.tissue, atlas=study.reference)
    headings = [heading.value for heading in app.subheader]
    assert headings.index("Bring your own data") < headings.index("What do you want to know?")
    assert blue(app) == ["Bring them together"]


def test_numbered_groups_have_no_name_in_common(open_page: Open, study: StudyRecord, monkeypatch) -> None:
    share = pd.DataFrame({"n": [60, 60], "share": [0.2, 0.5]}, index=["cluster 1", "cluster 2"])
    monkeypatch.setattr(api, "atlas_by_type", lambda *_: share)
    table = pd.DataFrame({"cell": range(120), "type": ["cluster 1", "cluster 2"] * 60, "probability": 1.0})
    monkeypatch.setattr(api, "cell_types", lambda *_: api.CellTypes(table, "groups"))
    app = open_page("home", gene="GAPDH")
    assert not app.exception
    assert "by the same names" in texts(app)
    assert "can be imputed" not in texts(app)
