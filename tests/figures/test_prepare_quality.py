"""Histograms over sliders, and outlines on maps."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from backend.figures.palette import GREY, TYPE_COLOURS
from backend.figures.prepare.quality import KEPT, REASON_COLOURS, cut_histogram, outline, reason_colours
from backend.figures.style import describe

RNG = np.random.default_rng(0)


def coloured(figure: go.Figure) -> np.ndarray:
    """Per bar: whether it has the colour of what is dropped."""
    return np.array(figure.data[0].marker.color) == REASON_COLOURS[0]


def test_bars_beyond_the_ends_are_coloured_and_all_cells_counted() -> None:
    values = np.exp(RNG.normal(4, 0.5, 3000))
    figure = cut_histogram(np.append(values, np.nan), (20, 200), "Counts", skewed=True)
    bars = figure.data[0]
    assert sum(bars.y) == 3000
    middles = 10.0 ** np.asarray(bars.x)
    np.testing.assert_array_equal(coloured(figure), (middles < 20) | (middles > 200))
    assert set(bars.marker.color) == {REASON_COLOURS[0], TYPE_COLOURS[0]}
    assert [round(10**line.x0) for line in figure.layout.shapes] == [20, 200]
    assert describe(figure) == "Counts. Histogram over 3,000 cells, cut at 20 and 200."


def test_without_an_end_nothing_is_coloured() -> None:
    figure = cut_histogram(RNG.uniform(0, 0.1, 500), (None, None), "Share", "dark", skewed=False)
    assert not coloured(figure).any()
    assert not figure.layout.shapes
    assert "not cut" in describe(figure)


def test_zeros_and_equal_values_are_drawn() -> None:
    assert sum(cut_histogram(np.array([0, 0, 5, 50]), (None, None), "Counts", skewed=True).data[0].y) == 4
    assert sum(cut_histogram(np.full(7, 3.0), (None, None), "Counts", skewed=True).data[0].y) == 7
    assert cut_histogram(np.array([]), (None, None), "Counts", skewed=False).data[0].y.sum() == 0


def test_what_is_kept_is_grey_and_each_rule_has_a_colour() -> None:
    colours = reason_colours(["a", "b"])
    assert colours[KEPT] == GREY
    assert len(set(colours.values())) == 3


def test_an_outline_is_closed_and_named_as_text() -> None:
    figure = outline(go.Figure(), {"<b>core</b>": [(0, 0), (2, 0), (1, 3)]}, "light")
    line = figure.data[0]
    assert (line.x[0], line.y[0]) == (line.x[-1], line.y[-1])
    assert len(line.x) == 4
    assert figure.layout.annotations[0].text == "&lt;b&gt;core&lt;/b&gt;"
