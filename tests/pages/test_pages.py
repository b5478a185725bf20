"""Every page, as a first visitor and as one with a study sees it: no exception, and a way on."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from backend import api
from backend.errors import UserError
from backend.records import RunRecord, StudyRecord
from tests.pages.conftest import PAGES, Open

VIEWS = [("prediction", view) for view in ("map", "around", "quality", "attention", "apply")]
VIEWS += [("upload", view) for view in ("add", "library", "studies")]


def texts(app: AppTest) -> str:
    kinds = (app.title, app.markdown, app.caption, app.info, app.warning, app.error)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_server_shows_a_page_and_a_way_on(page: str, open_page: Open) -> None:
    app = open_page(page)
    assert not app.exception
    assert not app.error
    assert len(app.title) == 1
    assert app.button, "an empty state has the button for what to do next"
    assert "No workers" in texts(app)
    assert "make run" in texts(app)


@pytest.mark.parametrize("page", PAGES)
def test_a_study_without_a_run(page: str, open_page: Open, study: StudyRecord) -> None:
    app = open_page(page)
    assert not app.exception
    assert not app.error
    assert app.query_params["study"] == study.id
    assert ":orange-badge[simulated]" in texts(app)


@pytest.mark.parametrize("page", PAGES)
def test_a_study_with_a_run(page: str, open_page: Open, run: RunRecord) -> None:
    app = open_page(page)
    assert not app.exception
    assert not app.error
    assert app.query_params["run"] == run.id


@pytest.mark.parametrize(("page", "view"), VIEWS)
def test_each_view_has_its_own_address(page: str, view: str, open_page: Open, run: RunRecord) -> None:
    app = open_page(page, view=view)
    assert not app.exception
    assert not app.error
    assert app.query_params["view"] == view


def test_names_from_the_user_are_shown_literally(open_page: Open, run: RunRecord) -> None:
    shown = texts(open_page("upload", view="studies"))
    assert r"A \*tissue\* \[x\]\(y\)" in shown


def test_the_study_stays_chosen_through_the_navigation(open_page: Open, run: RunRecord) -> None:
    app = open_page("prediction", view="quality", gene="CD3E")
    app.query_params.clear()
    app.switch_page("niches.py").run()
    assert app.query_params["gene"] == "CD3E"
    assert app.query_params["run"] == run.id
    assert "view" not in app.query_params
    app.query_params.clear()
    app.switch_page("prediction.py").run()
    assert app.query_params["view"] == "quality"


def test_a_link_to_what_is_not_here_says_so(open_page: Open, study: StudyRecord) -> None:
    app = open_page("training", study="s-gone", run="scxm-gone")
    assert not app.exception
    assert "not on this server" in texts(app)


def test_a_user_error_is_shown_not_raised(open_page: Open, study: StudyRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise UserError("They share no gene.", "One is human.", "Choose another.")

    monkeypatch.setattr(api, "preflight", refuse)
    app = open_page("training")
    assert not app.exception
    assert len(app.error) == 1
    assert all(part in app.error[0].value for part in ("share no gene", "One is human", "What helps", "Choose another"))


def test_a_data_set_that_a_study_needs_is_not_deleted(open_page: Open, study: StudyRecord) -> None:
    app = open_page("upload", view="library", dataset=study.tissue)
    app.button(key=f"delete.{study.tissue}").click().run()
    assert not app.exception
    assert "Small study" in app.error[0].value
    assert api.dataset(study.tissue).id == study.tissue
