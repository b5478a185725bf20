from __future__ import annotations

import numpy as np
import pytest

from backend.figures.distributions import box_by_type, histogram, score_histogram, threshold_histogram
from backend.figures.palette import NICHE_COLOURS
from backend.figures.style import describe


@pytest.mark.parametrize("logarithmic", [False, True])
def test_a_histogram_counts_every_cell_it_says(logarithmic: bool) -> None:
    values = np.append(np.random.default_rng(0).lognormal(4, 1, 500), [0.0, np.nan])
    figure = histogram(values, "Depth", "counts per cell", logarithmic=logarithmic)
    assert sum(figure.data[0].y) == (500 if logarithmic else 501)
    assert f"median {np.median(values[:501]):.3g}" in describe(figure)
    assert ("1 at zero" in describe(figure)) == logarithmic


def test_an_empty_histogram_is_still_a_figure() -> None:
    assert "0 cells" in describe(histogram([], "Depth", "counts"))


def test_boxes_are_quartiles_ordered_by_median() -> None:
    values = np.concatenate([np.arange(101), np.arange(101) + 50])
    figure = box_by_type(values, np.repeat(["low", "high <i>"], 101), {"low": "#123456"}, "Depth", "counts")
    assert [box.name for box in figure.data] == ["low", "high &lt;i&gt;"]
    assert (figure.data[0].q1[0], figure.data[0].median[0], figure.data[0].q3[0]) == (25, 50, 75)
    assert figure.data[0].marker.color == "#123456"


def test_comparators_medians_are_lines_beside_the_methods_own() -> None:
    scores = np.linspace(0.1, 0.5, 41)
    figure = score_histogram(scores, "scxm", {"scxm": 0.3, "ridge": 0.35}, "Scores")
    lines = {trace.name: trace.x[0] for trace in figure.data[1:]}
    assert lines == {"scxm: median 0.300": pytest.approx(0.3), "ridge: median 0.350": 0.35}
    assert "ridge 0.35" in describe(figure)


def test_the_threshold_falls_between_bars_and_every_cell_is_on_its_side() -> None:
    values = np.random.default_rng(1).random(400).astype(np.float32)
    figure = threshold_histogram(values, 0.37, "T cells", "predicted CXCL13 around the cell")
    isolated, clustered = figure.data
    assert sum(isolated.y) == (values < 0.37).sum()
    assert sum(clustered.y) == (values >= 0.37).sum()
    below = np.array(isolated.x)[np.array(isolated.y) > 0] + np.array(isolated.width)[np.array(isolated.y) > 0]
    assert below.max() <= 0.37 + 1e-6
    assert isolated.marker.color == NICHE_COLOURS["isolated"]
