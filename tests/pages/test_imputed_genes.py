"""May I print this gene? One gene, a list, several at once, a gate, a signature, and taking it home."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from backend import api
from backend.figures.points import Measure, Places
from backend.records import RunRecord, StudyRecord
from backend.store import layout
from pages.components import selection
from pages.components.words import plain
from pages.imputed.gene import best_gene
from pages.imputed.many.gates import Part, as_text, parts_of
from pages.imputed.one import panels
from pages.imputed.one.selected import summary
from pages.imputed.table import names_in
from tests.pages.conftest import N_CELLS, PANEL, Open
from tests.pages.imputations import made_up_layers, write_imputation
from tests.pages.test_pages import texts

KNOWN = {gene.casefold(): gene for gene in (*PANEL, "HLA-DRA")}


@pytest.fixture
def imputation(study: StudyRecord, monkeypatch: pytest.MonkeyPatch) -> RunRecord:
    """With numbers in every column that a verdict rests on. GAPDH lies off the panel."""
    monkeypatch.setattr(api.imputed, "gene_layers", layers_of)
    run = write_imputation(study, "knn")
    folder = layout.result_folder(run.id)
    genes = pd.read_parquet(folder / "genes.parquet")
    off = ~genes["measured"].to_numpy()
    for name, value in {
        "score_partial": 0.3, "score_bin": 0.6, "beyond_type": 0.12, "beyond_type_p": 0.0004, "moran_measured": 0.1,
        "moran_noised": 0.35, "coverage": 0.91,
    }.items():  # fmt: skip
        genes[name] = np.where(off, np.nan, value)
    genes = genes.assign(
        moran_imputed=0.5, detection_reference=0.3, specificity=0.4, predicted_low=0.2, predicted_high=0.5, cells=50.0
    )
    genes["reasons"] = "first reason\nsecond reason"
    genes.to_parquet(folder / "genes.parquet")
    relatives = pd.DataFrame({"gene": "GAPDH", "relative": ["KRT8", "EPCAM"], "r": [0.5, 0.4]})
    relatives.to_parquet(folder / "relatives.parquet")
    return run


def layers_of(run_id: str, gene: str, study_id: str | None = None) -> api.imputed.GeneLayers:
    """GAPDH was not measured; cells of the tumour have no counterpart in the atlas."""
    layers = made_up_layers(run_id, gene)
    changes: dict[str, object] = {"hatched": layers.types == "tumour"}
    if gene not in PANEL:
        changes["measured"] = None
    return api.imputed.GeneLayers(**{**vars(layers), **changes})


def test_a_measured_gene_has_its_verdict_its_legend_and_two_figures(open_page: Open, imputation: RunRecord) -> None:
    app = open_page("prediction", run=imputation.id, gene="ACTA2", scale="units")
    assert not app.exception
    assert not app.error
    said = texts(app)
    assert "check_circle: Figure]" in said
    assert "- first reason\n- second reason" in said
    assert "more ordered in space" in said, "Moran's I is inflated"
    assert "**Yes, clearly.**" in said
    assert app.code[0].value == api.imputed.gene_card(imputation.id, "ACTA2").legend
    assert {metric.label: metric.value for metric in app.metric}["Moran’s I"] == "0.10 → 0.50"
    assert len(app.get("plotly_chart")) == 2
    assert plain("held out: imputed without having seen the gene") in said


def test_a_gene_off_the_panel_has_a_predicted_score_and_relatives(open_page: Open, imputation: RunRecord) -> None:
    app = open_page("prediction", run=imputation.id, gene="gapdh", relative="EPCAM", smooth="bins")
    assert not app.exception
    assert not app.error
    said = texts(app)
    assert "gapdh is called GAPDH here" in said
    assert "never measured" in said
    assert "Not tested" in said
    assert "predicted and true r agree with Spearman’s 0.60 (95 % 0.20 to 0.90)" in said
    assert {metric.label: metric.value for metric in app.metric}["90 % interval"] == "0.20 to 0.50"
    assert app.segmented_control[-1].options == ["KRT8 (r 0.50)", "EPCAM (r 0.40)"]


def test_an_unknown_gene_is_said_with_those_like_it(open_page: Open, imputation: RunRecord) -> None:
    app = open_page("prediction", run=imputation.id, gene="EPCAN")
    assert not app.exception
    assert "is unknown: neither tissue nor atlas has it" in texts(app)
    assert not app.get("plotly_chart")
    app.pills[-1].set_value("EPCAM").run()
    assert app.query_params["gene"] in ("EPCAM", ["EPCAM"])
    assert len(app.get("plotly_chart")) == 2


def test_the_first_gene_is_the_best_of_those_that_may_be_printed() -> None:
    table = pd.DataFrame(
        {"gene": ["A", "B", "C"], "verdict": ["supplement", "figure", "figure"], "score_bin": [0.9, 0.5, np.nan]}
    )
    assert best_gene(table) == "B"


def test_what_is_compared_holds_the_same_numbers_or_the_same_units() -> None:
    layers = layers_of("run", "ACTA2")
    assert layers.measured is not None
    ranks = panels.against_truth(layers, layers.measured, panels.Look(True, None))
    assert np.sort(ranks[1].measure.values) == pytest.approx(np.sort(layers.measured), abs=1e-6)
    units = panels.against_truth(layers, layers.measured, panels.Look(False, None))
    assert units[1].measure.values == pytest.approx(layers.imputed)
    assert units[0].measure.range == units[1].measure.range
    hatched = panels.hatched(layers)
    assert hatched is not None
    assert hatched.why == "the atlas lacks tumour (50% of cells)"
    some = api.imputed.GeneLayers(**{**vars(layers), "hatched": np.arange(N_CELLS) < 12})
    assert "cells like none in the atlas (10% of cells)" in str(panels.hatched(some))
    assert [panel.measure.predicted for panel in panels.off_panel(layers, layers, panels.Look(True, None))] == [
        True, True, False,
    ]  # fmt: skip


def test_the_cells_drawn_around_are_summed_up_by_type() -> None:
    layers = layers_of("run", "ACTA2")
    places = Places(np.arange(N_CELLS, dtype=float), np.zeros(N_CELLS))
    event = {"selection": {"box": [{"x": [-0.5, 9.5], "y": [-1.0, 1.0]}], "lasso": []}}
    inside = selection.inside(event, places)
    assert np.flatnonzero(inside).tolist() == list(range(10))
    table = summary(inside, layers).set_index("type")
    assert table["cells"].to_dict() == {"all": 10, "T cell": 5, "tumour": 5}
    mine = layers.types == "tumour"
    assert table.loc["tumour", "imputed"] == pytest.approx(layers.imputed[inside & mine].mean())
    assert table.loc["tumour", "imputed_elsewhere"] == pytest.approx(layers.imputed[~inside & mine].mean())
    assert not selection.inside(None, places).any()


def test_a_pasted_list_is_sorted_and_says_what_it_lacks(open_page: Open, imputation: RunRecord) -> None:
    app = open_page("prediction", view="table", run=imputation.id, genes="KRT8, gapdh\nACTA2;NOSUCH MYC")
    assert not app.exception
    shown = app.dataframe[0].value
    assert shown["link"].iloc[0].endswith("#ACTA2")
    assert shown["verdict"].tolist()[0] == ["Figure"]
    assert f"run={imputation.id}&view=gene&gene=ACTA2" in shown["link"].iloc[0]
    assert shown["predicted"].notna().tolist().count(True) == 1
    said = texts(app)
    assert "1 gene in neither data set: NOSUCH" in said
    assert "1 gene known, but not imputed by this run: MYC" in said


def test_names_are_found_in_whatever_was_pasted() -> None:
    assert names_in("CD8A, CD8A;\t'HLA-DRA'\n\nENSG01 |FOXP3") == ["CD8A", "HLA-DRA", "ENSG01", "FOXP3"]


@pytest.mark.parametrize(("shown", "figures"), [("mosaic", 1), ("mixed", 1), ("gates", 2)])
def test_several_genes_stand_with_their_verdicts(
    shown: str, figures: int, open_page: Open, imputation: RunRecord
) -> None:
    link = {"genes": "KRT8,GAPDH", "gate": "KRT8+ and GAPDH-"}
    app = open_page("prediction", view="several", shown=shown, run=imputation.id, panel="held-out", **link)
    assert not app.exception
    assert not app.error
    said = texts(app)
    assert "**KRT8**" in said
    assert "block: Do not show]" in said
    assert len(app.get("plotly_chart")) == figures
    assert plain("imputed: KRT8, GAPDH; 60 cells left out: unread, or like none in the atlas") in said


def test_a_gate_is_read_and_written() -> None:
    parts, strange = parts_of("krt8+ at 0.40 and HLA-DRA-, NOSUCH+ & epcam", KNOWN)
    assert parts == [Part("KRT8", True, 0.4), Part("HLA-DRA", False), Part("EPCAM", True)]
    assert strange == ["NOSUCH+"]
    again = [Part("KRT8", True, 0.4), Part("HLA-DRA", False, 1.25)]
    assert parts_of(as_text(again), KNOWN) == (again, [])
    values = np.array([0.1, 0.4, np.nan], dtype=np.float32)
    assert Part("KRT8", True, 0.4).passed(values).tolist() == [False, True, False]
    assert Part("KRT8", False, 0.4).passed(values).tolist() == [True, False, False]


def test_a_threshold_lets_as_many_cells_pass_as_show_the_gene() -> None:
    from pages.imputed.many.gates import _settled

    values = np.linspace(0, 1, 101, dtype=np.float32)
    facts = pd.Series({"measured": False, "detection_tissue": np.nan, "detection_reference": 0.2})
    part = _settled(Part("GAPDH"), Measure(values, "GAPDH", predicted=True), facts)
    assert part.passed(values).mean() == pytest.approx(0.2, abs=0.01)
    detected = _settled(Part("KRT8"), Measure(np.where(values < 0.5, 0, values), "KRT8"), facts)
    assert detected.threshold == pytest.approx(0.5)


def test_an_export_names_what_it_holds(open_page: Open, imputation: RunRecord) -> None:
    app = open_page("prediction", view="export", run=imputation.id)
    assert not app.exception
    assert "2 measured genes and 0 that the panel lacks" in texts(app)
    assert [button.label for button in app.get("download_button")][:2] == ["AnnData (h5ad)", "AnnData (zarr, zipped)"]


@pytest.mark.parametrize("page", ["niches", "enrichment"])
def test_pages_of_contexts_offer_no_imputation(page: str, open_page: Open, imputation: RunRecord) -> None:
    app = open_page(page, run=imputation.id)
    assert not app.exception
    assert "is not in this study" not in texts(app)
    assert any(button.label == "Train a model" for button in app.button)
