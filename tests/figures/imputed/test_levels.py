from __future__ import annotations

import numpy as np
import pytest

from backend.figures.imputed.levels import bins, group_mean, ranked
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


def test_ranks_are_shares_and_ties_share_theirs() -> None:
    assert ranked([10.0, -5.0, 10.0, 99.0]) == pytest.approx([0.625, 0.25, 0.625, 1.0])
