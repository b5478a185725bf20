from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from backend.figures.imputed.attention import (
    centroids_on_umap,
    entropy_histogram,
    groups_by_centroid,
    mark_cell,
    weight_bars,
)
from backend.figures.maps import map_values
from backend.figures.points import Measure, Places
from backend.figures.style import describe

TABLE = pd.DataFrame(
    {"name": ["1 · T <b>", "2 · B"], "weight": [0.25, 0.75], "usual": [0.5, 0.5], "colour": ["#111111", "#222222"],
     "umap_1": [0.0, 1.0], "umap_2": [0.0, np.nan]}
)  # fmt: skip


def test_bars_stand_beside_the_usual_weight_the_largest_on_top() -> None:
    figure = weight_bars(TABLE, "Cell")
    assert list(figure.data[0].y) == ["1 · T &lt;b&gt;", "2 · B"]
    assert list(figure.data[0].x) == [0.25, 0.75]
    assert list(figure.data[1].x) == [0.5, 0.5]
    assert "first 2 · B 0.75" in describe(figure)


def test_a_centroid_is_as_large_as_its_weight_and_one_without_a_place_is_not_drawn() -> None:
    cells = pd.DataFrame({"umap_1": [0.0, 1.0, np.nan], "umap_2": [0.0, 1.0, 0.0]})
    placed = TABLE.assign(umap_2=[0.0, 1.0])
    sizes = centroids_on_umap(cells, placed, "Where").data[1].marker.size
    assert sizes[1] - 5 == pytest.approx((sizes[0] - 5) * 3**0.5)
    figure = centroids_on_umap(cells, TABLE, "Where")
    assert len(figure.data[1].x) == 1
    assert "2 reference cells with 1 centroids" in describe(figure)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_groups_are_drawn_beside_shuffled_labels_in_one_range(theme: str) -> None:
    table = pd.DataFrame(
        {"group": ["a", "a", "b", "b"], "centroid": [0, 1, 0, 1], "weight": [0.9, 0.1, 0.2, 0.8], "shuffled": [0.5] * 4}
    )
    figure = groups_by_centroid(table, {0: "one", 1: "two"}, "Groups", theme)
    true, chance = figure.data
    assert true.z[0].tolist() == pytest.approx([0.9, 0.1])
    assert np.unique(chance.z).tolist() == [0.5]
    assert true.coloraxis == chance.coloraxis == "coloraxis"
    assert "differ by 0.350" in describe(figure)


def test_niche_2_stands_before_niche_10() -> None:
    table = pd.DataFrame({"group": ["niche 10", "niche 2", "niche 2b"], "centroid": 0, "weight": 0.5, "shuffled": 0.5})
    figure = groups_by_centroid(table, {0: "one"}, "Groups")
    assert list(figure.data[0].y) == ["niche 2", "niche 2b", "niche 10"]


def test_the_chosen_cell_is_ringed_and_clicks_are_told() -> None:
    places = Places([0.0, 10.0, 20.0], [0.0, 5.0, 9.0])
    figure = mark_cell(map_values(places, Measure([1, 2, 3], "E"), "Map"), places, 1, "light")
    assert (figure.data[-1].x, figure.data[-1].y) == ((10.0,), (5.0,))
    assert figure.layout.clickmode == "event+select"


def test_the_most_that_entropy_can_be_is_a_line() -> None:
    figure = entropy_histogram([0.1, 0.2, np.nan], np.log(4), "Decided")
    assert sum(figure.data[0].y) == 2
    assert figure.layout.shapes[0].x0 == pytest.approx(np.log(4))
