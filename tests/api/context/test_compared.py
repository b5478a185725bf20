from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from backend import api
from backend.records import JobState, JobStatus, RunRecord, now
from backend.store import index, layout

GENES = [f"G{i:02d}" for i in range(40)]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path))
    folder = layout.result_folder("r")
    folder.mkdir(parents=True)
    layout.write_json(folder / "manifest.json", {})
    rows = [
        {"gene": gene, "method": method, "self_loop": loop, "pcc": start + 0.01 * place + 0.1 * loop, "srcc": 0.2,
         "n_cells": 50, "fold": "both halves", "constant": False, "context_sd": 0.1, "detection": 0.1}
        for method, start in (("scxm", 0.1), ("ridge", 0.2)) for place, gene in enumerate(GENES)
        for loop in (False, True)
    ]  # fmt: skip
    pd.DataFrame(rows).to_parquet(folder / "scores.parquet")
    layout.write_json(folder / "summary.json", {"seed": 1, "block_intervals": {"ridge": [0.3, 0.5]}})
    index.put(RunRecord(id="r", method="scxm", version=1, config={}, seed=1, tissue="t", reference="d", split="halves"))
    index.put(JobStatus(id="r", kind="scxm", params={}, state=JobState.SUCCEEDED, finished=now()))
    return "r"


def test_methods_stand_by_their_median_with_their_intervals(run: str) -> None:
    table = api.context.compared(run).set_index("method")
    assert list(table.index) == ["ridge", "scxm"]
    ridge = table.loc["ridge"]
    assert ridge["median"] == pytest.approx(0.395)
    assert ridge["with_self"] == pytest.approx(0.495)
    assert ridge["low"] < 0.395 < ridge["high"]
    assert (ridge["block_low"], ridge["block_high"]) == (0.3, 0.5)
    assert (ridge["best_gene"], ridge["genes"]) == ("G39", 40)
    assert pd.isna(table.loc["scxm", "block_low"])
