"""The app in AppTest over a data root of its own: empty, or with a small study and one finished run, all made up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit import config
from streamlit.testing.v1 import AppTest

from backend.records import DatasetRecord, JobState, JobStatus, RunRecord, StudyRecord, now
from backend.store import arrays, index, layout

PROJECT = Path(__file__).resolve().parents[2]
PAGES = ("home", "upload", "preparation", "training", "prediction", "niches", "enrichment")
PANEL = ("ACTA2", "CD3E", "CXCR4", "EPCAM", "KRT8")
N_CELLS = 120
SERIALIZABLE = "runner.enforceSerializableSessionState"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RESITU_FOLDERS", raising=False)
    st.cache_resource.clear()
    # AppTest itself keeps each widget's format function in session state, which the app's own setting refuses.
    before = config.get_option(SERIALIZABLE)
    config.set_option(SERIALIZABLE, False)
    yield tmp_path / "home"
    config.set_option(SERIALIZABLE, before)


Open = Callable[..., AppTest]


@pytest.fixture
def open_page() -> Open:
    """Opens the navigation, then the page, as a link with these parameters would."""

    def open_(page: str, **link: str) -> AppTest:
        app = AppTest.from_file(str(PROJECT / "pages" / "navigation.py"), default_timeout=60).run()
        app.switch_page(f"{page}.py")
        for name, value in link.items():
            app.query_params[name] = value
        return app.run()

    return open_


def write_dataset(role: str, genes: tuple[str, ...]) -> DatasetRecord:
    rng = np.random.default_rng(len(genes))
    record = DatasetRecord(
        id=f"d-{role}", fingerprint=role * 4, name=f"A *{role}* [x](y)", role=role, n_cells=N_CELLS, n_genes=len(genes),
        species="human", gene_ids="symbol", scale="counts", counts_from="X", has_types=True,
        um_per_unit=None if role == "reference" else 1.0, columns={"type": "cell_type"},
        sections=() if role == "reference" else ("1", "2"),
    )  # fmt: skip
    folder = layout.dataset_folder(record.id)
    folder.mkdir(parents=True)
    table = pd.DataFrame({"symbol": genes, "ensembl": None}, index=pd.Index(genes, name="gene"))
    table["detection"] = np.float32(0.1)
    table.to_parquet(folder / "var.parquet")
    unseen = pd.DataFrame({"name": ["UNSEEN1"], "kind": ["not seen"], "total": [0.0]})
    unseen.to_parquet(folder / "excluded.parquet")
    obs = pd.DataFrame(index=pd.Index([f"{role}-{i}" for i in range(N_CELLS)], name="cell"))
    obs["type"] = ["T cell", "tumour"] * (N_CELLS // 2)
    obs["counts"], obs["genes"] = rng.poisson(50, N_CELLS), rng.poisson(20, N_CELLS)
    if role == "reference":
        obs["umap_1"], obs["umap_2"] = rng.normal(size=(2, N_CELLS)).astype(np.float32)
    else:
        obs["x_um"], obs["y_um"] = rng.uniform(0, 300, (2, N_CELLS)).astype(np.float32)
        obs["section"] = np.where(np.arange(N_CELLS) < 60, "1", "2")
    obs.to_parquet(folder / "obs.parquet")
    layout.write_json(folder / "record.json", record.model_dump(mode="json"))
    index.put(record)
    return record


@pytest.fixture
def study() -> StudyRecord:
    parts = {
        "tissue": write_dataset("tissue", PANEL),
        "reference": write_dataset("reference", (*PANEL, "GAPDH", "MYC")),
        "validation": write_dataset("validation", (*PANEL, "GAPDH")),
    }
    ids = {role: record.id for role, record in parts.items()}
    record = StudyRecord(
        id="s-small", name="Small study", simulated=True, types=dict.fromkeys(ids.values(), "column"), **ids
    )
    index.put(record)
    return record


@pytest.fixture
def run(study: StudyRecord) -> RunRecord:
    """A finished run as `backend.evaluation.run` leaves it, with random numbers in it."""
    rng = np.random.default_rng(0)
    record = RunRecord(
        id="scxm-small", method="scxm", version=1, config={"encoder": "transformer", "epochs": 1}, seed=0,
        tissue=study.tissue, reference=study.reference, validation=study.validation, split="validation",
    )  # fmt: skip
    folder = layout.result_folder(record.id)
    folder.mkdir(parents=True)
    for name in ("context_d-reference", "context_d-validation", "truth_d-validation"):
        arrays.write_columns(folder / f"{name}.zarr", rng.uniform(size=(N_CELLS, 5)).astype(np.float32), PANEL)
    rows = [
        {"gene": gene, "method": method, "self_loop": loop, "pcc": rng.uniform(-0.1, 0.6), "srcc": 0.2,
         "n_cells": N_CELLS, "fold": "validation", "constant": False, "context_sd": 0.1, "detection": 0.1}
        for gene in PANEL for method in ("scxm", "type-mean", "ridge") for loop in (False, True)
    ]  # fmt: skip
    pd.DataFrame(rows).to_parquet(folder / "scores.parquet")
    looked = pd.DataFrame(
        {"type": "tumour", "cell": ["", "", "reference-1"], "gene": PANEL[:3], "weight": [0.5, 0.3, 0.2]}
    )
    looked.to_parquet(folder / "attention.parquet")
    verdict = "SCXM (median r 0.31) is no better than ridge (0.30) on this split."
    layout.write_json(folder / "summary.json", {"verdict": verdict, "medians": [], "comparisons": []})
    layout.write_json(folder / "manifest.json", {"id": record.id})
    index.put(record)
    done = JobStatus(id=record.id, kind="scxm", params={}, state=JobState.SUCCEEDED, finished=now())
    index.put(done.model_copy(update={"result": {"median": 0.31, "verdict": verdict}}))
    return record
