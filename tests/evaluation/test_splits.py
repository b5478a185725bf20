from __future__ import annotations

import numpy as np
import pytest

from backend.analysis.strips import strips
from backend.errors import UserError
from backend.evaluation.splits import halves, sides


def grid(width_um: float, n: int = 600) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, width_um, (n, 2))


def test_halves_keep_three_sigma_between_them_in_every_section() -> None:
    xy = grid(500)
    xy[300:, 0] += 10_000
    section = np.repeat([0, 1], 300)
    left, right = halves(xy, section, 20)
    for label in (0, 1):
        a = xy[left.train][section[left.train] == label, 0].max()
        b = xy[left.test][section[left.test] == label, 0].min()
        assert b - a > 60
    assert set(left.train) == set(right.test)
    assert not set(left.train) & set(left.test)
    assert set(np.flatnonzero(sides(xy, section, 20) == -1)) == set(range(600)) - set(left.train) - set(left.test)


def test_a_tissue_that_is_narrower_than_its_buffer_is_refused_with_numbers() -> None:
    with pytest.raises(UserError) as caught:
        halves(grid(100), None, 50)
    assert "σ = 50 µm" in caught.value.what
    assert "100 µm wide" in caught.value.why
    assert "smaller σ" in caught.value.mend


def test_strips_cover_every_cell_once_and_keep_a_gap() -> None:
    xy = grid(1000)
    pairs = strips(xy, None, 20)
    assert len(pairs) == 5
    assert sorted(np.concatenate([check for _, check in pairs])) == list(range(600))
    for learn, check in pairs:
        nearest = np.abs(xy[learn, 1][:, None] - xy[check, 1][None, :]).min()
        assert nearest > 55


def test_the_gap_of_a_strip_shrinks_where_the_tissue_is_small() -> None:
    pairs = strips(grid(100), None, 50)
    assert all(len(learn) > 200 for learn, _ in pairs)
