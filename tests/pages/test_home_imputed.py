"""Home shows a gene beyond the panel as the run that the study has chosen imputed it."""

from __future__ import annotations

from backend import api
from backend.records import RunRecord, StudyRecord
from tests.pages.conftest import Open
from tests.pages.test_imputed_genes import imputation  # noqa: F401  # a fixture
from tests.pages.test_pages import texts


def test_the_chosen_run_answers_for_a_gene_beyond_the_panel(
    open_page: Open,
    study: StudyRecord,
    imputation: RunRecord,  # noqa: F811
) -> None:
    assert "imputed by" not in texts(open_page("home", study=study.id, gene="GAPDH"))
    api.imputed.use_imputer(study.id, imputation.id)
    app = open_page("home", study=study.id, gene="GAPDH")
    assert not app.exception
    said = texts(app)
    assert "imputed by Nearest cells" in said
    assert "predicted r 0.30" in said
    assert "never measured; imputed, not tested" in said
    next(button for button in app.button if button.label == "Why, and how sure").click().run()
    assert app.session_state["run"] == imputation.id
