from __future__ import annotations

import numpy as np
import pytest

from backend.figures.imputed.levels import bins, group_mean, in_order_of
from backend.figures.points import Places


def test_a_bin_is_a_square_of_50_um_within_one_section() -> None:
    x, y = np.array([0.0, 49, 51, 0, 0, 1]), np.array([0.0, 49, 0, 51, 0, 1])
    same = bins(Places(x, y, np.array(["a", "a", "a", "a", "b", "b"])))
    assert same[0] == same[1]
    assert same[4] == same[5]
    assert len(set(same.tolist())) == 4


def test_a_group_mean_leaves_unknown_values_out() -> None:
    mean = group_mean([1.0, 3.0, np.nan, np.nan], ["T", "T", "T", "B"])
    assert mean[:3] == pytest.approx([2, 2, 2])
    assert np.isnan(mean[3])


def test_numbers_are_dealt_out_in_order() -> None:
    truth = np.array([0.0, 0, 0, 5, 1, np.nan])
    dealt = in_order_of([0.3, 0.1, 0.2, 0.4, 0.5, np.nan], truth)
    assert dealt[:5] == pytest.approx([0, 0, 0, 1, 5])
    assert np.isnan(dealt[5])
    rng = np.random.default_rng(0)
    assert np.sort(in_order_of(rng.random(50), values := rng.random(50))) == pytest.approx(np.sort(values))


def test_an_order_that_is_none_shows_none() -> None:
    assert in_order_of(np.zeros(4), [0.0, 1, 2, 5]) == pytest.approx([2, 2, 2, 2])
