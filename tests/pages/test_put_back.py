"""The view that puts cells back, over a finished job on a small run."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from backend import api
from backend.analysis.put_back.job import names_of
from backend.records import JobState, JobStatus, RunRecord, now
from backend.store import arrays, index, layout
from pages.predict.put_back import test
from pages.predict.put_back.region import by_type
from tests.pages.conftest import N_CELLS, Open
from tests.pages.test_pages import texts

WAYS = ("matching, both", "used", "type only", "random")


@pytest.fixture
def put_back(run: RunRecord) -> JobStatus:
    """As `backend.analysis.put_back.job` leaves it, with random numbers in it."""
    random = np.random.default_rng(0)
    job = api.context.start_put_back(run.id)
    folder = layout.result_folder(job.id)
    folder.mkdir(parents=True)
    told, hidden = random.normal(size=(N_CELLS, 3)), random.normal(size=(40, 3))
    names = names_of(told)
    for name in ("places", "trial_places"):
        values = random.normal(size=(N_CELLS, 4)).astype(np.float32)
        arrays.write_columns(folder / f"{name}.zarr", values, (*names, "offset"))
    arrays.write_columns(folder / "cells.zarr", told.astype(np.float32), names)
    rows = np.arange(40)[:, None]
    arrays.write_columns(folder / "trial_cells.zarr", np.hstack([hidden, rows]).astype(np.float32), (*names, "row"))
    cells = pd.DataFrame({"row": np.tile(np.arange(40), 4), "way": np.repeat(WAYS, 40), "type": "T cell"})
    cells = cells.assign(guess_um=random.uniform(0, 200, 160), drawn_um=100.0, mass=0.5, likelihood=0.1)
    cells.to_parquet(folder / "trial.parquet", index=False)
    level = [{"level": level, "held": level, "low": 0.3, "high": 0.99, "cells": 40} for level in (0.5, 0.8, 0.9)]
    ways = [{"way": way, "guess_um": 90.0, "guess_low": 40.0, "guess_high": 150.0, "drawn_um": 120.0} for way in WAYS]
    ratio = {"ratio": 0.71, "low": 0.6, "high": 0.8}
    facts = {
        "kind": "both", "sharpness": 0.5, "firmness": 0.5, "masses": [0.5, 0.8, 0.9], "levels": [0.5, 0.8, 0.9],
        "hidden": 80, "reported": 40, "rival": "type only", "ways": ways, "calibration": level, "groups": level,
        "ratios": {"guess_um": ratio, "drawn_um": ratio}, "verdict": "Half of them lie within 90 µm.",
        "warnings": ["Within their own <b>half</b>."],
    }  # fmt: skip
    done = job.model_copy(update={"state": JobState.SUCCEEDED, "finished": now(), "result": facts})
    index.put(done)
    return done


def test_before_anything_is_ready_the_view_offers_it(open_page: Open, run: RunRecord) -> None:
    app = open_page("prediction", study="s-small", run=run.id, view="put_back")
    assert not app.exception
    button = next(button for button in app.button if button.label == "Get ready")
    button.click().run()
    assert api.context.find_put_back(run.id) is not None


def test_cells_of_a_type_are_put_on_the_tissue(open_page: Open, run: RunRecord, put_back: JobStatus) -> None:
    link = {"study": "s-small", "run": run.id, "view": "put_back", "pick": "type", "type": "tumour"}
    app = open_page("prediction", **link)
    assert not app.exception
    assert not app.error
    said = texts(app)
    assert "60 cells of type tumour" in said
    assert "Half of them lie within 90 µm" in said
    assert "optimal transport" in said
    assert app.query_params["type"] == "tumour"


def test_a_link_holds_what_was_drawn_around(open_page: Open, run: RunRecord, put_back: JobStatus) -> None:
    around = "-90p5_-90p5.90p5_-90p5.90p5_90p5.-90p5_90p5"
    app = open_page("prediction", study="s-small", run=run.id, view="put_back", pick="lasso", around=around)
    assert not app.exception
    assert f"{N_CELLS} cells drawn around" in texts(app)
    next(button for button in app.button if button.label == "Clear the drawing").click().run()
    assert "around" not in app.query_params
    assert "Choose cells" in texts(app)


def test_a_list_says_which_names_are_strange(open_page: Open, run: RunRecord, put_back: JobStatus) -> None:
    link = {"study": "s-small", "run": run.id, "view": "put_back", "pick": "list"}
    app = open_page("prediction", **link, cells="reference-3, <i>nobody</i>")
    assert not app.exception
    assert "1 name not found" in texts(app)
    assert "1 cell of a list" in texts(app)


def test_a_niche_is_asked_for_where_there_is_none(open_page: Open, run: RunRecord, put_back: JobStatus) -> None:
    app = open_page("prediction", study="s-small", run=run.id, view="put_back", pick="niche")
    assert not app.exception
    assert "No niche of the reference" in texts(app)


def test_the_sides_of_a_niche_can_be_put_back(open_page: Open, run: RunRecord, put_back: JobStatus) -> None:
    folder = layout.result_folder("niche-small")
    folder.mkdir(parents=True)
    cells = [f"reference-{i}" for i in range(30)]
    table = pd.DataFrame({"cell": cells, "group": ["clustered", "isolated", "isolated"] * 10, "context": 0.1})
    table.to_parquet(folder / "cells.parquet")
    pd.DataFrame({"gene": ["CD3E"]}).to_parquet(folder / "table.parquet")
    params = {"run": run.id, "dataset": run.reference, "type": "T cell", "gene": "CD3E"}
    index.put(JobStatus(id="niche-small", kind="niche", params=params, state=JobState.SUCCEEDED, finished=now()))
    link = {"study": "s-small", "run": run.id, "view": "put_back", "pick": "niche", "side": "isolated"}
    app = open_page("prediction", **link)
    assert not app.exception
    assert r"20 cells\: T cell by CD3E around the cell, isolated" in texts(app)


def test_a_region_says_who_stood_there_and_how_it_was_tested(
    open_page: Open, run: RunRecord, put_back: JobStatus
) -> None:
    link = {"study": "s-small", "run": run.id, "view": "put_back", "ask": "region"}
    app = open_page("prediction", **link, area="-10_-10.200_-10.200_400.-10_400")
    assert not app.exception
    assert not app.error
    assert "AUROC" in texts(app)
    app = open_page("prediction", **link, area="-10_-10.2000_-10.2000_4000.-10_4000")
    assert not app.exception
    assert "holds every place" in " ".join(error.value for error in app.error)


def test_the_test_is_shown_with_its_warnings(open_page: Open, run: RunRecord, put_back: JobStatus) -> None:
    app = open_page("prediction", study="s-small", run=run.id, view="put_back", ask="test")
    assert not app.exception
    assert r"Within their own \<b\>half" in texts(app)
    assert {metric.label: metric.value for metric in app.metric}["Ratio"] == "0.71"


def test_types_predicted_and_measured_are_times_chance() -> None:
    names, inside = np.array(["B", "B", "T", "T"]), np.array([True, False, False, False])
    cells = pd.DataFrame({"cell": list("abc"), "type": ["B", "T", "N"], "times": [3.0, 0.5, 1.0]})
    table = by_type(names, inside, cells).set_index("type")
    assert table["measured"].to_dict() == pytest.approx({"B": 2.0, "N": np.nan, "T": 0.0}, nan_ok=True)
    assert table.index.tolist() == ["B", "N", "T"]


def test_errors_by_type_are_medians_the_best_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test, "FEWEST", 2)
    cells = pd.DataFrame(
        {
            "type": list("BBAAC") * 2,
            "way": ["used"] * 5 + ["type only"] * 5,
            "guess_um": [8.0, 8, 1, 3, 9, 8, 8, 4, 4, 9],
        }
    )
    table = test.by_type(cells)
    assert table["type"].tolist() == ["A", "B"]
    assert table["ratio"].tolist() == [0.5, 1.0]
    assert table["cells"].tolist() == [2, 2]
