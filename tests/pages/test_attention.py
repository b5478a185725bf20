"""The attention view: a run without attention, one that was not tested, and one that was."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest

from backend import api
from backend.records import JobState, JobStatus, RunRecord, now
from backend.store import index, layout
from tests.pages.conftest import N_CELLS, PANEL, Open
from tests.pages.test_pages import texts

CELLS = 40


@pytest.fixture
def tested(run: RunRecord) -> JobStatus:
    """A finished test of the run's attention, numbers made up."""
    job = api.context.start_attention_test(run.id)
    rng = np.random.default_rng(0)
    cells = pd.DataFrame({"cell": [f"reference-{i}" for i in range(CELLS)], "all": "all cells", "read": 5})
    cells["type"] = ["T cell", "tumour"] * (CELLS // 2)
    cells["niche"] = ["niche 1: ACTA2, CD3E", "niche 2: KRT8, EPCAM"] * (CELLS // 2)
    groups = [(by, name) for by in ("all", "type", "niche") for name in cells[by].unique()]
    genes = pd.DataFrame(
        [(by, name, gene) for (by, name), gene in product(groups, PANEL)], columns=["by", "group", "gene"]
    )
    genes = genes.assign(cells=20, weight=rng.uniform(0.1, 0.3, len(genes)), expected=0.2, z=1.0, p=0.01)
    ways = dict.fromkeys(("attended", "random", "first", "attended_se", "random_se", "first_se"), 0.2)
    curve = pd.DataFrame([(by, name, k) for (by, name), k in product(groups, (1, 2, 4))], columns=["by", "group", "k"])
    deleted = pd.DataFrame(list(product(range(CELLS), (1, 2, 4))), columns=["row", "k"])
    parts = pd.DataFrame(list(product((0, 1), (-1, 0, 1))), columns=["layer", "head"])
    heads = [(by, name, *part, gene) for (by, name), part, gene in product(groups, product((0, 1), (-1, 0, 1)), PANEL)]
    cell_heads = list(product(range(CELLS), (0, 1), (-1, 0, 1), PANEL))
    tables = {
        "cells": cells,
        "genes": genes,
        "groups": curve.assign(n=20, ratio=1.2, p=0.01, q=0.02, **ways),
        "deletion": deleted.assign(attended=0.3, random=0.2, first=0.1),
        "parts": parts.assign(spread=4.0, by_rank=0.5, moved=0.2),
        "heads": pd.DataFrame(heads, columns=["by", "group", "layer", "head", "gene"]).assign(weight=0.1),
        "cell_heads": pd.DataFrame(cell_heads, columns=["row", "layer", "head", "gene"]).assign(weight=0.1),
    }
    folder = layout.result_folder(job.id)
    folder.mkdir(parents=True)
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet")
    verdict = ["Deleting <b>4</b> genes moves it 1.20 × as far.", "Rank is as good.", "2 of 5 genes stand out."]
    facts = {"k": 4, "matters": "little", "ratio": 1.2, "p": 0.01, "verdict": verdict, "cells": CELLS}
    facts |= {"of_cells": N_CELLS, "layers": 2, "heads": 2, "shuffles": 500, "sets": 5, "seed": 0}
    done = job.model_copy(update={"state": JobState.SUCCEEDED, "finished": now(), "result": facts})
    index.put(done)
    return done


@pytest.mark.parametrize("by", ["all", "type", "niche", "cell"])
def test_a_tested_run_shows_verdict_genes_curves_and_heads(open_page: Open, tested: JobStatus, by: str) -> None:
    app = open_page("prediction", view="attention", by=by)
    assert not app.exception
    assert not app.error
    assert any(r"moves it 1\.20" in str(box.value) for box in app.info)
    told = texts(app)
    assert "40 of 120 cells tested" in told
    assert "mean of 5 sets of genes" in told
    assert app.query_params["layer"] == "1"
    if by == "niche":
        assert app.query_params["niche"] == "niche 1: ACTA2, CD3E"
    if by == "cell":
        assert app.query_params["cell"] == "reference-0"


def test_a_run_that_was_not_tested_shows_its_own_attention_and_offers_the_test(open_page: Open, run: RunRecord) -> None:
    app = open_page("prediction", view="attention")
    assert not app.exception
    assert "Is it worth looking at" in texts(app)
    next(button for button in app.button if button.label == "Test attention").click().run()
    job = api.context.find_attention_test(run.id)
    assert job is not None
    assert job.state is JobState.QUEUED
    assert job.params == {"run": run.id, "types": "column", "cells": 600, "seed": 0}


def test_a_run_without_attention_says_how_to_get_one(open_page: Open, run: RunRecord) -> None:
    (layout.result_folder(run.id) / "attention.parquet").unlink()
    app = open_page("prediction", view="attention")
    assert not app.exception
    assert not app.error
    assert "no attention" in str(app.info[0].value)
    assert "12 epochs" in texts(app)
    next(button for button in app.button if button.label == "Train a small transformer").click().run()
    started = [other for other in api.runs(None) if other.id != run.id]
    assert [other.config["encoder"] for other in started] == ["transformer"]
