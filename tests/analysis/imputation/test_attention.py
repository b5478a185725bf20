from __future__ import annotations

import numpy as np

from backend.analysis.imputation.attention import entropy, top2_gap

ROWS = np.array([[1.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25], [0.5, 0.3, 0.2, 0.0]], dtype=np.float32)


def test_entropy_runs_from_one_centroid_to_all_alike() -> None:
    expected = [0.0, np.log(4), -(0.5 * np.log(0.5) + 0.3 * np.log(0.3) + 0.2 * np.log(0.2))]
    assert np.allclose(entropy(ROWS), expected, atol=1e-6)


def test_the_gap_is_between_the_two_largest_in_any_order() -> None:
    assert np.allclose(top2_gap(ROWS[:, [2, 0, 3, 1]]), [1.0, 0.0, 0.2], atol=1e-6)
    assert np.allclose(top2_gap(np.ones((3, 1))), 1.0)
    assert np.isnan(entropy(np.full((1, 2), np.nan))).all()
