from __future__ import annotations

import numpy as np
import pandas as pd

from backend.figures.points import Places
from backend.figures.prepare.match import HELD, LOST, genes_compared, map_counterparts, markers_present
from backend.figures.style import describe


def types() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "type": ["T <b>cell", "plasma", "rare"], "markers": [20, 10, 0], "present": [18, 3, 0],
            "counterpart": [True, False, False],
        }
    )  # fmt: skip


def test_bars_say_how_many_markers_are_shared() -> None:
    figure = markers_present(types(), "Markers")
    every, held, lost = figure.data
    assert (list(every.x), list(every.text)) == ([10, 20], ["3 of 10", "18 of 20"])
    assert (list(held.x), list(held.y)) == ([18], [every.y[1]])
    assert (list(lost.x), list(lost.y)) == ([3], [every.y[0]])
    assert held.marker.color != lost.marker.color
    assert lost.marker.pattern.shape == "/"
    assert "21 of 30 markers" in describe(figure)


def test_names_from_data_are_not_rendered() -> None:
    assert "T &lt;b&gt;cell" in markers_present(types(), "Markers").data[0].y


def test_genes_stand_on_both_panels_with_one_scale_each() -> None:
    genes = pd.DataFrame(
        {
            "gene": ["A", "B", "C"], "mean_tissue": [0.1, 1.0, 2.0], "mean_atlas": [0.2, 2.0, 4.0],
            "detection_tissue": [0.3, 0.2, 0.1], "detection_atlas": [0.1, 0.2, 0.3],
        }
    )  # fmt: skip
    figure = genes_compared(genes, "Genes")
    means, shares = (trace for trace in figure.data if trace.mode == "markers")
    np.testing.assert_allclose(means.y, [0.1, 1.0, 2.0])
    np.testing.assert_allclose(shares.x, [10, 20, 30], rtol=1e-6)
    assert figure.layout.xaxis.range == figure.layout.yaxis.range
    assert "r = 1.00" in describe(figure)
    assert "r = -1.00" in describe(figure)


def test_cells_without_a_counterpart_are_crosses_in_words() -> None:
    rng = np.random.default_rng(0)
    figure = map_counterparts(Places(*rng.random((2, 40))), np.arange(40) >= 10, "Map")
    symbols = {trace.name: trace.marker.symbol for trace in figure.data if trace.name in (HELD, LOST)}
    assert symbols == {HELD: None, LOST: "x"}
    assert "10 cells (25%) have no counterpart" in describe(figure)
    assert any(shape.name == "predicted" for shape in figure.layout.shapes)


def test_where_all_have_one_the_map_says_so() -> None:
    rng = np.random.default_rng(0)
    figure = map_counterparts(Places(*rng.random((2, 40))), np.ones(40, dtype=bool), "Map")
    assert LOST not in {trace.name for trace in figure.data}
    assert "0 cells (0%)" in describe(figure)
