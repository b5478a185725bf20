"""What a user does on the pages: look for a gene, make a study, launch a run."""

from __future__ import annotations

import pytest

from backend import api
from backend.records import RunRecord, StudyRecord
from pages.components.choice import distinct
from pages.components.words import count, duration, plain, without_flags
from tests.pages.conftest import Open


@pytest.mark.parametrize(
    ("asked", "said"),
    [("cd3e", "is called CD3E here"), ("GAPDH", "in the reference but not on your panel"), ("XXXX", "unknown")],
)
def test_a_gene_says_where_it_is_known(asked: str, said: str, open_page: Open, run: RunRecord) -> None:
    app = open_page("prediction", view="around", gene=asked)
    assert not app.exception
    words = [element.value for kind in (app.caption, app.info, app.warning) for element in kind]
    assert any(said in text for text in words)


def test_the_gene_shown_first_is_the_one_predicted_best(open_page: Open, run: RunRecord) -> None:
    table = api.scores(run.id)
    own = table[(table["method"] == "scxm") & ~table["self_loop"]]
    app = open_page("prediction")
    assert app.selectbox(key="widget.predict.gene").value == own.loc[own["pcc"].idxmax(), "gene"]


def test_a_study_is_made_from_the_page(open_page: Open, study: StudyRecord) -> None:
    app = open_page("upload", view="studies")
    next(box for box in app.text_input if box.label == "Name").set_value("Second study")
    app.button(key="FormSubmitter:new study-Make the study").click().run()
    assert not app.exception
    assert not app.error
    made = next(record for record in api.studies() if record.name == "Second study")
    assert (made.tissue, made.reference, made.validation) == (study.tissue, study.reference, None)
    assert app.query_params["study"] == made.id


def test_start_queues_the_preset_and_follows_it(open_page: Open, study: StudyRecord) -> None:
    app = open_page("training", preset="Quick look")
    next(button for button in app.button if button.label == "Start training").click().run()
    assert not app.exception
    assert not app.error
    [run] = api.runs(study.id)
    assert run.config | api.preset("scxm", "Quick look") == run.config
    assert app.query_params["run"] == run.id
    assert any("waits for workers" in warning.value for warning in app.warning)


def test_a_waiting_run_is_cancelled_from_its_panel(open_page: Open, study: StudyRecord) -> None:
    run = api.start_run(study.id, "scxm", {"epochs": 2})
    app = open_page("training", study=study.id, run=run.id)
    app.button(key=f"cancel.{run.id}").click().run()
    assert not app.exception
    assert api.job(run.id).state == "cancelled"


def test_words_are_safe_and_honest() -> None:
    assert plain("[a](b) *c* :red[d] $x$") == r"\[a\]\(b\) \*c\* \:red\[d\] \$x\$"
    assert count(1, "cell") == "1 cell"
    assert count(4000, "cell") == "4,000 cells"
    assert duration(0.2) == "under a minute"
    assert duration(240) == "about 4.0 h"


def test_addresses_in_names_do_not_become_links() -> None:
    for name in ("see http://a.b", "www.a.b", "me@a.b"):
        assert "\u2060" in plain(name)
        assert plain(name).replace("\u2060", "").replace("\\", "") == name


def test_words_name_the_question_instead_of_the_flag() -> None:
    said = without_flags("--unit px --um-per-px X, with X from the instrument; if not: --unit mm.")
    assert said == (
        "“Unit of the coordinates”: pixels, “Micrometres per pixel”: X, with X from the instrument; "
        "if not: “Unit of the coordinates”: millimetres (mm)."
    )
    assert without_flags("say that this is a --role reference.") == "say that this is a reference."
    assert without_flags("well-known, 10--20") == "well-known, 10--20"


def test_alike_names_are_told_apart() -> None:
    assert distinct({"a": "Lung", "b": "Lung", "c": "Liver"}) == {"a": "Lung", "b": "Lung (2)", "c": "Liver"}


def test_a_study_archived_in_another_window_is_said_by_its_name(open_page: Open, study: StudyRecord) -> None:
    other = api.duplicate_study(study.id, "Other")
    app = open_page("preparation", study=other.id)
    api.archive_study(other.id)
    app.run()
    assert not app.exception
    assert any("Other is archived: bring it back" in warning.value for warning in app.warning)
    assert app.query_params["study"] in (study.id, [study.id])
