"""Train: the question first, then the method, which the address names; several at once."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from backend import api
from backend.records import JobState, RunRecord, StudyRecord
from backend.store import index, layout
from tests.pages.conftest import Open
from tests.pages.imputations import write_imputation
from tests.pages.test_pages import texts

INSIDE = "in the cell"


def test_surroundings_are_asked_for_unless_the_address_says_otherwise(open_page: Open, study: StudyRecord) -> None:
    app = open_page("training")
    assert app.query_params["method"] == "scxm"
    assert app.radio[0].value == "around the cell"


def test_the_question_leads_to_a_method_that_answers_it(open_page: Open, study: StudyRecord) -> None:
    app = open_page("training")
    app.radio[0].set_value(INSIDE).run()
    assert not app.exception
    assert not app.error
    method = app.query_params["method"]
    assert api.cards()[method].where == INSIDE
    assert not api.cards()[method].comparator
    app.radio[0].set_value("around the cell").run()
    assert app.query_params["method"] == "scxm"


def test_a_link_names_the_method_and_so_the_question(open_page: Open, study: StudyRecord) -> None:
    app = open_page("training", method="knn")
    assert not app.exception
    assert app.radio[0].value == INSIDE
    assert app.selectbox(key="widget.train.method").value == "knn"
    assert api.cards()["knn"].question in texts(app)


def test_the_task_of_a_method_with_two_goes_into_its_run(open_page: Open, study: StudyRecord) -> None:
    app = open_page("training", method="knn", track="unseen-region")
    assert "measured in a part of the tissue" in texts(app)
    press(app, "Start training")
    [run] = api.runs(study.id)
    assert (run.method, run.split) == ("knn", "blocks")


def test_what_is_ticked_is_queued_once_on_one_split(open_page: Open, study: StudyRecord) -> None:
    app = open_page("training", method="spagene", way="several", methods="knn,gene-mean", preset="Standard")
    assert not app.exception
    assert "No imputation of these data is finished yet" in texts(app)
    press(app, "Start 2 trainings")
    assert not app.exception
    runs = api.runs(study.id)
    assert {run.method for run in runs} == {"knn", "gene-mean"}
    assert {run.split for run in runs} == {"genes"}
    press(app, "Cancel all")
    assert {api.job(run.id).state for run in runs} == {JobState.CANCELLED}


def test_a_method_that_cannot_run_is_left_out_with_its_reason(
    open_page: Open, study: StudyRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.errors import UserError

    real = api.preflight

    def refuse(study_id: str, method: str, *given: object, **more: object) -> object:
        if method == "knn":
            raise UserError("It needs counts.", "", "Bring counts.")
        return real(study_id, method, *given, **more)

    monkeypatch.setattr(api, "preflight", refuse)
    app = open_page("training", method="spagene", way="several", methods="knn,gene-mean")
    assert not app.exception
    assert "It needs counts" in texts(app)
    assert any(button.label == "Start 1 training" for button in app.button)


def test_the_winner_becomes_the_study_s_own(open_page: Open, study: StudyRecord) -> None:
    write_imputation(study, "knn", 0.2)
    best = write_imputation(study, "spage", 0.4)
    app = open_page("prediction", view="bake_off", run=best.id)
    assert not app.exception
    assert not app.error
    press(app, "Use")
    assert index.get(StudyRecord, study.id).imputer == best.id
    assert "is shown in this study" in texts(app)


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label.startswith(label)).click().run()


def test_a_training_that_ignores_its_input_is_told_with_its_numbers(open_page: Open, run: RunRecord) -> None:
    report = {"time": "2026-01-01", "attempt": 1, "fit": "final", "step": 9, "steps": 9}
    report |= {"critic": 1.0, "consistency": 0.3, "spread": 0.6, "shift": 0.1, "follow": 0.01}
    (layout.job_folder(run.id) / "metrics.jsonl").write_text(json.dumps(report) + "\n")
    app = open_page("training")
    assert not app.exception
    assert any("Ignoring the input" in str(box.value) for box in app.warning)
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Follows its cell (unusual)"] == "1% of real"
    assert shown["Spread"] == "60% of real"
