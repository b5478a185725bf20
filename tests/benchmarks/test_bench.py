"""The benchmark itself is slow and no test; what it would quietly leave out is."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from backend.datasets.simulated import Sample
from backend.settings import PROJECT
from benchmarks import large, pages
from benchmarks.measured import Row


def test_every_page_and_every_view_of_prediction_is_timed() -> None:
    timed = pages.views(large.Large("s", "r", "v", "f", "o", ("a", "b"), "e", "p"))
    scripts = {path.stem for path in (PROJECT / "pages").glob("*.py")} - {"__init__", "navigation"}
    assert {page for _, page, _ in timed} == scripts
    prepared = {link["view"] for _, page, link in timed if page == "preparation"}
    assert prepared == {"qc", "sections", "names", "atlas", "quick"}
    predict = PROJECT / "pages" / "predict"
    shown = {path.stem for path in predict.glob("*.py") if "def show(" in path.read_text()}
    shown |= {path.parent.name for path in predict.glob("*/view.py")}
    assert {link["view"] for _, page, link in timed if page == "prediction"} == shown


def test_tiles_stand_side_by_side() -> None:
    rng = np.random.default_rng(0)
    sample = Sample(
        counts=csr_matrix(rng.poisson(1.0, (7000, 3)).astype(np.float32)),
        genes=("A", "B", "C"),
        coordinates_um=rng.uniform(0, 500, (7000, 2)).astype(np.float32),
        section=np.array(["1"] * 7000),
        truth=pd.DataFrame({"type": ["T"] * 7000}),
    )
    tiled = large._tile(sample, ("C", "A"))
    assert tiled.counts.shape == (large.N_CELLS, 2)
    assert len(tiled.truth) == len(tiled.section) == large.N_CELLS
    assert (tiled.counts[7000:7010] != sample.counts[:10][:, [2, 0]]).nnz == 0
    tile = np.arange(large.N_CELLS) // 7000
    corners = [tiled.coordinates_um[tile == number].min(axis=0) for number in range(15)]
    assert len({tuple(np.round(corner / 600)) for corner in corners}) == 15  # 500 um wide, 100 um apart


def test_a_goal_is_met_or_missed() -> None:
    assert [Row("", value, "s", 5).verdict for value in (4.9, 5.0, 5.1)] == ["met", "met", "MISSED"]
    assert Row("", 9, "s").verdict == ""
