"""Finished niches and enrichments on their pages; links to them; what one takes home."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from backend.figures import embeddings, maps
from backend.figures.points import Places
from backend.figures.style import GROUND
from backend.records import JobState, JobStatus, RunRecord, now
from backend.store import index, layout
from pages.components import session
from pages.components.figure_card import to_take_home
from tests.pages.conftest import N_CELLS, PANEL, Open
from tests.pages.test_pages import texts


def finish(job_id: str, kind: str, params: dict, facts: dict, **tables: pd.DataFrame) -> JobStatus:
    folder = layout.result_folder(job_id)
    folder.mkdir(parents=True)
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet")
    job = JobStatus(id=job_id, kind=kind, params=params, state=JobState.SUCCEEDED, finished=now(), result=facts)
    index.put(job)
    return job


@pytest.fixture(params=["validation", "reference"])
def niche(run: RunRecord, request: pytest.FixtureRequest) -> JobStatus:
    cells = [f"{request.param}-{i}" for i in range(0, N_CELLS, 2)]
    group = np.where(np.arange(len(cells)) % 2, "clustered", "isolated")
    facts = {
        "predicted_by": "the final fit", "cells": len(cells), "threshold": 0.4, "threshold_from": "Otsu",
        "warnings": ["Made by a prediction."], "significant": 1, "tested": 5, "significant_not_read": 0, "not_read": 2,
        "null": {"expected": 0.1, "shuffles": 20, "most": 1}, "agreement": None,
    }  # fmt: skip
    table = pd.DataFrame({"gene": PANEL, "log2_fc": 0.5, "fdr": 0.01, "p": 0.001, "z": 3.0, "auroc": 0.6})
    table = table.assign(detection_clustered=0.2, detection_isolated=0.1, read_by_model=True)
    shown = pd.DataFrame({"cell": cells, "group": group, "context": np.linspace(0, 1, len(cells))})
    params = {"run": run.id, "dataset": f"d-{request.param}", "types": "column", "type": "T cell", "gene": "CD3E"}
    return finish("niche-small", "niche", params | {"threshold": None}, facts, table=table, cells=shown)


@pytest.fixture
def enriched(niche: JobStatus) -> JobStatus:
    facts = {
        "library": "My <b>sets</b>", "ranked_by": "Wilcoxon’s z", "background": "Background: 5 genes.",
        "names": "symbols", "warnings": [], "ranked": 5, "seed": 0,
    }  # fmt: skip
    table = pd.DataFrame({"set": ["<i>A</i>", "B"], "nes": [1.2, -1.1], "fdr": [0.01, 0.2], "fdr_bh": [0.02, 0.3]})
    table = table.assign(size=5, set_size=9, leading_edge="CD3E")
    curves = pd.DataFrame(
        {"set": "<i>A</i>", "rank": range(5), "score": 0.1, "metric": 1.0, "hit": [True] + [False] * 4}
    )
    params = {"source": niche.id, "kind": "de", "gene_sets": "x.gmt", "min_size": 5}
    return finish("enrich-small", "enrich", params, facts, table=table, curves=curves)


def test_a_link_to_a_niche_alone_shows_it(open_page: Open, niche: JobStatus) -> None:
    app = open_page("niches", job=niche.id)
    assert not app.exception
    assert not app.error
    assert "split by CD3E around the cell" in texts_of_headings(app)
    assert "seed 0" in texts(app)
    assert app.query_params["type"] == "T cell"
    assert app.query_params["dataset"] == niche.params["dataset"]


def test_a_link_to_an_enrichment_says_what_was_ranked(open_page: Open, enriched: JobStatus) -> None:
    app = open_page("enrichment", job=enriched.id)
    assert not app.exception
    assert not app.error
    assert "T cell by CD3E around the cell in A" in texts(app)
    assert r"My \<b\>sets" in texts_of_headings(app)


@pytest.mark.parametrize("page", ["home", "upload", "niches", "enrichment"])
@pytest.mark.parametrize("job", ["niche-gone", "scxm-small"])
def test_a_link_to_no_such_analysis_is_said_once(open_page: Open, run: RunRecord, page: str, job: str) -> None:
    app = open_page(page, job=job, view="add")
    assert not app.exception
    assert not app.error
    assert ("not on this server" if job == "niche-gone" else "belongs to another page") in texts(app)
    assert "job" not in app.query_params
    assert "of this link" not in texts(app.run())


def test_an_analysis_does_not_follow_to_another_run(open_page: Open, niche: JobStatus, run: RunRecord) -> None:
    other = run.model_copy(update={"id": "scxm-other", "seed": 1})
    index.put(other)
    index.put(JobStatus(id=other.id, kind="scxm", params={}, state=JobState.FAILED))
    app = open_page("niches", run=run.id, job=niche.id)
    app.selectbox(key="widget.niche.run").set_value(other.id).run()
    assert not app.exception
    assert app.query_params["run"] == other.id
    assert "job" not in app.query_params


def test_a_widget_that_gives_back_its_words_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    state, put = {"key": "SCXM, running"}, []
    monkeypatch.setattr(session.st, "session_state", state)
    monkeypatch.setattr(session, "put", lambda *said: put.append(said))
    session._keep("dataset", "key", ("d-1", "d-2"))
    assert put == []
    state["key"] = "d-2"
    session._keep("dataset", "key", ("d-1", "d-2"))
    assert put == [("dataset", "d-2")]


@pytest.mark.parametrize("place", ["map", "umap"])
def test_what_one_takes_home_is_light_and_says_where_it_is_from(place: str) -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 20))
    types = np.array(["a", "b"] * 10)
    draw = partial(maps.map_types, Places(x, y), types, {}, "Types")
    if place == "umap":
        draw = partial(embeddings.embed_types, x, y, types, {}, "Types")
    assert draw(theme="dark").layout.template.layout.paper_bgcolor == GROUND["dark"]
    figure = to_take_home(draw, "20 cells, seed 0")
    assert figure.layout.template.layout.paper_bgcolor == GROUND["light"]
    assert "20 cells, seed 0" in [note.text for note in figure.layout.annotations]


def texts_of_headings(app: AppTest) -> str:
    return "\n".join(str(heading.value) for heading in app.subheader)


@pytest.mark.parametrize("ranking", ["plain", "adjusted"])
def test_pathways_of_scores_say_what_is_predicted_well_with_and_without_the_trend(
    open_page: Open, run: RunRecord, ranking: str
) -> None:
    facts = {"library": "Themes", "ranked_by": "Pearson’s r per gene", "background": "Background.", "names": "symbols"}
    facts |= {"warnings": [], "ranked": 5, "seed": 0, "explained": 0.5}
    table = pd.DataFrame({"set": ["plainly", "for itself"], "size": 5, "set_size": 9})
    plain_numbers = {"nes": [1.8, 1.1], "p": [0.01, 0.3], "fdr": [0.01, 0.3], "fdr_bh": [0.02, 0.3]}
    adjusted = {f"{name}_adjusted": values[::-1] for name, values in plain_numbers.items()}
    table = table.assign(**plain_numbers, **adjusted, leading_edge="CD3E", leading_edge_adjusted="KRT8")
    curves = pd.DataFrame({"rank": range(5), "score": 0.1, "metric": 1.0, "hit": [True] + [False] * 4})
    params = {"source": run.id, "kind": "scores", "gene_sets": "x.gmt", "min_size": 5}
    tables = {"curves": curves.assign(set="plainly"), "curves_adjusted": curves.assign(set="for itself")}
    job = finish("enrich-scores", "enrich", params, facts, table=table, **tables)
    app = open_page("enrichment", job=job.id, ranking=ranking)
    assert not app.exception
    assert not app.error
    assert "What the model predicts well: Themes" in texts_of_headings(app)
    assert app.query_params["set"] == ("plainly" if ranking == "plain" else "for itself")
    assert ("residuals of the scores" in texts(app)) == (ranking == "adjusted")
    assert "NES 1\\.80" in texts(app)
