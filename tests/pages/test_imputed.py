"""How good an imputation is, where it was read from, and what to measure next."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from backend import api
from backend.records import JobState, RunRecord, StudyRecord, now
from backend.store import index, layout
from pages.components.words import plain
from pages.imputed.next_panel import said
from pages.imputed.rivals import rival_names
from pages.imputed.trust.doubts import coverage_rows
from pages.imputed.trust.gallery import pick
from tests.pages.conftest import Open
from tests.pages.imputations import made_up_layers, write_imputation
from tests.pages.test_pages import texts


def test_quality_shows_pictures_scores_and_doubts(
    open_page: Open, study: StudyRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.imputed, "gene_layers", made_up_layers)
    run = write_imputation(study, "knn")
    app = open_page("prediction", view="quality", run=run.id)
    assert not app.exception
    assert not app.error
    said = texts(app)
    assert "knn is made up" in said
    assert plain("Spearman 0.60 (95 % 0.20 to 0.90).") in said
    shown = app.dataframe[0].value
    assert shown["gene"].iloc[0] == "KRT8", "the best first"
    assert shown["verdict"].tolist().count("Do not show") == 3


def test_the_gallery_has_each_gene_once() -> None:
    scores = np.linspace(0.9, 0.0, 10)
    hidden = pd.DataFrame({"gene": [f"G{i}" for i in range(10)] + ["NAN"], "score": [*scores, np.nan]})
    chosen = pick(hidden)
    assert chosen["gene"].tolist() == ["G0", "G1", "G2", "G3", "G4", "G5", "G7", "G8", "G9"]
    assert pick(hidden.head(4))["gene"].tolist() == ["G0", "G1", "G3"]


def test_coverage_names_all_cells_those_that_showed_it_and_terciles() -> None:
    rows = [
        {"cells": who, "tercile": third, "coverage": value, "low": 0.8, "high": 1.0, "score": 1.0, "n": 5}
        for who, third, value in (("detected", "all", 0.8), ("all", "high", 0.7), ("all", "all", 0.9))
    ]
    table = coverage_rows(pd.DataFrame(rows))
    assert table["name"].tolist() == ["all cells", "cells that showed it", "in many"]
    assert table["coverage"].tolist() == [0.9, 0.8, 0.7]


@pytest.mark.parametrize("measure", ["dominant", "entropy", "top2_gap"])
def test_a_cell_s_weights_are_shown_over_named_centroids(measure: str, open_page: Open, study: StudyRecord) -> None:
    run = write_imputation(study, "knn", attends=True)
    app = open_page("prediction", view="attention", run=run.id, cell="tissue-7", measure=measure, by="niche")
    assert not app.exception
    assert not app.error
    weights = api.imputed.attention_of_cell(run.id, 7)
    assert f"was read for {weights['weight'][0]:.0%} from centroid {weights['centroid'][0] + 1} · " in texts(app)


def test_a_method_without_attention_says_so(open_page: Open, study: StudyRecord) -> None:
    run = write_imputation(study, "knn")
    app = open_page("prediction", view="attention", run=run.id)
    assert not app.exception
    assert "does not attend" in texts(app)


def test_a_list_of_genes_is_asked_for_and_shown_with_its_test(open_page: Open, study: StudyRecord) -> None:
    run = write_imputation(study, "knn")
    app = open_page("prediction", view="next_panel", run=run.id, count="20")
    next(button for button in app.button if button.label == "Choose genes").click().run()
    assert not app.exception
    job = api.imputed.find_next_panel(study.id, 20)
    assert job is not None
    folder = layout.result_folder(job.id)
    folder.mkdir(parents=True)
    listed = {"rank": [1], "gene": ["GAPDH"], "gain": [1.5], "cumulative": [1.5], "open": [0.9], "nearest": ["KRT8"]}
    more = {"detection_reference": [0.4], "nearest_r": [0.3], "helps": ["MYC"]}
    pd.DataFrame(listed | more).to_parquet(folder / "genes.parquet")
    tests = {"half": 0, "choice": ["rule", "random"], "draw": 0, "gene": "KRT8", "base": 0.1, "gain": [0.01, 0.0]}
    pd.DataFrame(tests).to_parquet(folder / "tests.parquet")
    done = job.model_copy(update={"state": JobState.SUCCEEDED, "finished": now(), "result": FACTS})
    index.put(done)
    app = open_page("prediction", view="next_panel", run=run.id, count="20")
    assert not app.exception
    assert not app.error
    shown = app.dataframe[0].value
    assert (shown["gene"][0], shown["verdict"][0]) == ("GAPDH", "Do not show")


FACTS = {
    "count": 1, "proposed_from": 2, "shared": 30, "seed": 0, "tested": True, "added": 5, "halves": 1, "draws": 1,
    "base": 0.1, "against": {"random": {"rule": 0.01, "other": 0.002, "difference": 0.008, "genes": 20.0, "p": 0.003}},
}  # fmt: skip


def test_a_test_is_told_as_it_came_out() -> None:
    assert "by +0.0100 (from 0.100); as many random genes by +0.0020 (p = 0.003 over 20 genes)" in said(FACTS)
    chance = FACTS["against"]["random"] | {"difference": -0.001, "p": 0.7}  # type: ignore[index]
    assert "no better than chance here" in said(FACTS | {"against": {"random": chance}})
    assert said({"tested": False, "why_not": "Too few."}) == "This list could not be tested: Too few."


def test_runs_of_one_method_are_told_apart_by_what_differs() -> None:
    def record(method: str, seed: int, **config: object) -> RunRecord:
        return RunRecord(
            id=f"{method}-{seed}-{config}", method=method, version=1, config=config, seed=seed, tissue="t",
            reference="r", split="genes",
        )  # fmt: skip

    runs = [record("knn", 0, neighbours=50), record("knn", 0, neighbours=10), record("spage", 1)]
    assert list(rival_names(runs).values()) == [
        f"{api.cards()['knn'].title}, neighbours 50",
        f"{api.cards()['knn'].title}, neighbours 10",
        api.cards()["spage"].title,
    ]


def test_a_method_s_controls_are_shown_and_trained(open_page: Open, study: StudyRecord) -> None:
    run = write_imputation(study, "casper", attends=True)
    config = api.cards()["casper"].config().model_dump(mode="json")
    index.put(run.model_copy(update={"config": config}))
    app = open_page("prediction", view="attention", run=run.id)
    assert not app.exception
    shown = app.dataframe[0].value
    assert shown["centroids"].tolist() == ["as they are", "set to zero", "shuffled, gene by gene"]
    assert shown["pcc"].tolist()[0] == pytest.approx(0.3)
    assert shown["pcc"].isna().tolist() == [False, True, True]
    next(button for button in app.button if button.label.endswith("controls")).click().run()
    started = [other.config["centroids"] for other in api.runs(study.id) if other.id != run.id]
    assert sorted(started) == ["shuffled", "zero"]
