from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from backend.figures.context.attention import (
    WAYS,
    bars_against_chance,
    deletion_curve,
    heads_heat,
    parts_heat,
    ratio_dots,
)
from backend.figures.palette import GREY, TYPE_COLOURS
from backend.figures.style import describe


def test_genes_with_more_than_their_places_give_are_told_apart() -> None:
    table = pd.DataFrame(
        {"gene": ["A<b>", "B", "C"], "weight": [0.1, 0.3, 0.2], "expected": [0.05, 0.3, 0.1], "p": [0.2, 0.01, 0.04]}
    )
    sure, other, ticks = bars_against_chance(table, "Attention").data
    assert list(sure.y) == ["C", "B"]
    assert list(other.y) == ["A&lt;b&gt;"]
    assert list(ticks.x) == pytest.approx([0.05, 0.1, 0.3])
    figure = bars_against_chance(table, "Attention")
    assert list(figure.layout.yaxis.categoryarray) == ["A&lt;b&gt;", "C", "B"]  # the largest on top
    assert "more than their places give: B, C" in describe(figure)


@pytest.mark.parametrize("errors", [True, False])
def test_a_curve_has_a_line_for_each_way_to_delete(errors: bool) -> None:
    table = pd.DataFrame({"k": [4, 1], "attended": [0.4, 0.1], "first": [0.3, 0.1], "random": [0.2, 0.05]})
    if errors:
        table = table.assign(**{f"{way}_se": 0.01 for way in WAYS})
    figure = deletion_curve(table, "Without genes")
    assert [line.name for line in figure.data] == [words[0] for words in WAYS.values()]
    assert list(figure.data[0].x) == ["1", "4"]
    assert list(figure.data[0].y) == pytest.approx([0.1, 0.4])
    assert (figure.data[0].error_y.array is not None) == errors
    assert "Without 4 genes: the most attended 0.40" in describe(figure)


def test_groups_stand_by_their_ratio_and_the_sure_ones_are_coloured() -> None:
    table = pd.DataFrame({"group": ["x", "y"], "n": [10, 20], "ratio": [1.5, 0.9], "q": [0.01, 0.5]})
    figure = ratio_dots(table, "By type")
    assert list(figure.data[0].y) == ["y", "x"]
    assert list(figure.data[0].marker.color) == [GREY, TYPE_COLOURS[4]]
    low, high = figure.layout.xaxis.range
    assert low < 0.9
    assert high > 1.5
    assert "In 1 of 2 groups" in describe(figure)


def test_layers_and_heads_the_mean_first() -> None:
    table = pd.DataFrame({"layer": [0, 0, 1, 1], "head": [0, -1, 0, -1], "moved": [0.1, 0.2, 0.3, np.nan]})
    figure = parts_heat(table, "moved", "Layers and heads")
    assert list(figure.data[0].x) == ["mean", "head 1"]
    assert list(figure.data[0].y) == ["layer 1", "layer 2"]
    assert np.allclose(figure.data[0].z, [[0.2, 0.1], [np.nan, 0.3]], equal_nan=True)
    heads = pd.DataFrame({"head": [-1, 0, 0], "gene": ["A", "A", "B"], "weight": [0.2, 0.1, 0.3]})
    heat = heads_heat(heads, "Layer 1").data[0]
    assert list(heat.y) == ["mean", "head 1"]
    assert list(heat.x) == ["A", "B"]
    assert np.allclose(heat.z, [[0.2, 0.0], [0.1, 0.3]])
