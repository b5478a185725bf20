from __future__ import annotations

import numpy as np
import pytest

from backend.analysis.imputation.moran import as_measured, morans_i, neighbour_graph


@pytest.fixture
def places() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 500, (600, 2))


def test_order_is_high_and_chance_is_zero(places: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    graph = neighbour_graph(places, None)
    np.testing.assert_allclose(np.asarray(graph.sum(axis=1)).ravel(), 1)
    values = np.column_stack([np.sin(places[:, 0] / 80), rng.normal(size=600), np.ones(600)])
    found = morans_i(values, graph)
    assert found[0] > 0.9
    assert abs(found[1]) < 0.1
    assert np.isnan(found[2])


def test_sections_do_not_meet(places: np.ndarray) -> None:
    section = np.arange(600) % 2
    graph = neighbour_graph(places, section).tocoo()
    assert (section[graph.row] == section[graph.col]).all()
    assert (graph.row != graph.col).all()
    alone = neighbour_graph(places[:3], np.array([0, 0, 1]))
    assert alone.sum(axis=1).ravel().tolist() == [[1, 1, 0]]


def test_cells_at_one_place_are_not_their_own_neighbours() -> None:
    graph = neighbour_graph(np.zeros((10, 2)), None)
    assert graph.diagonal().sum() == 0


def test_a_true_prediction_drawn_as_measured_has_the_measured_order_and_a_smoothed_one_more(places) -> None:
    rng = np.random.default_rng(2)
    depth = rng.lognormal(5, 0.4, 600)
    size = (depth / np.median(depth))[:, None]
    rate = np.exp(-1 + np.sin(places[:, :1] / 60) + rng.normal(0, 1, (600, 8)))
    truth = np.log1p(rng.poisson(rate * size) / size)
    graph = neighbour_graph(places, None)
    measured = morans_i(truth, graph).mean()
    right = morans_i(as_measured(np.log1p(3 * rate), truth, depth, 0), graph).mean()  # whatever its scale
    smooth = np.log1p(np.exp(3 * np.sin(places[:, :1] / 60)) * np.ones((600, 8)))
    inflated = morans_i(as_measured(smooth, truth, depth, 0), graph).mean()
    assert morans_i(np.log1p(rate), graph).mean() > measured  # without noise it seems more ordered than it is
    assert right == pytest.approx(measured, abs=0.04)
    assert inflated > measured + 0.1
