"""The run's own table, where it was trained and where its quality is looked at."""

from __future__ import annotations

import pandas as pd
import pytest

from backend.records import RunRecord
from backend.store import layout
from tests.pages.conftest import Open


@pytest.mark.parametrize(("page", "link"), [("training", {}), ("prediction", {"view": "quality"})])
def test_the_run_stands_beside_simple_methods(open_page: Open, run: RunRecord, page: str, link: dict[str, str]) -> None:
    scores = pd.read_parquet(layout.result_folder(run.id) / "scores.parquet")
    scores.assign(moran=0.5 + scores["pcc"] / 10).to_parquet(layout.result_folder(run.id) / "scores.parquet")
    app = open_page(page, run=run.id, **link)
    assert not app.exception
    table = next(frame.value for frame in app.dataframe if "Median r" in frame.value)
    medians = scores[~scores["self_loop"]].groupby("method")["pcc"].median()
    assert dict(zip(table["Method"], table["Median r"], strict=True)) == {
        {"scxm": "▸ SCXM"}.get(name, name): f"{value:.3f}" for name, value in medians.items()
    }
    assert "95 %, blocks" not in table  # an older run knows none
