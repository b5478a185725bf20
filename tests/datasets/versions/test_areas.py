"""Inside a polygon, and pieces of a slide, against what is known."""

from __future__ import annotations

import numpy as np
import pytest

from backend.datasets.versions.areas import default_gap_um, inside, inside_any, pieces
from backend.errors import UserError
from backend.records import Area


def square(x: float, y: float, side: float, n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, side, (n, 2)) + (x, y)


def test_inside_agrees_with_the_winding_of_a_star() -> None:
    """A star with five points; the truth by the angle that its corners turn around each point."""
    angle = np.pi / 2 + np.arange(10) * np.pi / 5
    star = np.column_stack([np.cos(angle), np.sin(angle)]) * np.where(np.arange(10) % 2, 0.4, 1.0)[:, None]
    points = np.random.default_rng(0).uniform(-1.2, 1.2, (3000, 2))
    from_point = star[None] - points[:, None]
    turn = np.angle(np.exp(1j * np.diff(np.arctan2(*np.moveaxis(from_point[:, [*range(10), 0]], 2, 0)), axis=1)))
    truth = np.abs(turn.sum(axis=1)) > np.pi
    assert 0.1 < truth.mean() < 0.4
    np.testing.assert_array_equal(inside(points, star), truth)


def test_a_hole_of_a_crossed_polygon_is_outside() -> None:
    bow_tie = [(0, 0), (2, 2), (2, 0), (0, 2)]
    points = np.array([(0.2, 1.0), (1.8, 1.0), (1.0, 0.2), (1.0, 1.8)])
    assert inside(points, bow_tie).tolist() == [True, True, False, False]


def test_the_later_area_has_the_cells_and_strangers_are_counted() -> None:
    xy = np.array([(1.0, 1.0), (3.0, 1.0), (5.0, 1.0), (1.0, 1.0)])
    section = np.array(["L", "L", "L", "R"], dtype=object)
    first = Area(name="one", section="L", corners=((0, 0), (4, 0), (4, 2), (0, 2)))
    second = Area(name="two", section="L", corners=((2, 0), (6, 0), (6, 2), (2, 2)))
    last, strangers = inside_any(xy, section, (first, second))
    assert last.tolist() == [0, 1, 1, -1]
    assert strangers == [1, 0]


def test_three_tissues_in_reading_order() -> None:
    xy = np.concatenate([square(1000, 0, 300, 400), square(0, 20, 300, 500, 1), square(0, 900, 300, 300, 2)])
    found = pieces(xy, 150)
    assert found.n_pieces == 3
    assert [np.unique(found.number[part]).tolist() for part in (slice(0, 400), slice(400, 900), slice(900, None))] == [
        [1], [0], [2],
    ]  # fmt: skip


@pytest.mark.parametrize(("apart", "n_pieces"), [(100.0, 1), (140.0, 1), (230.0, 2), (400.0, 2)])
def test_only_gaps_as_wide_as_asked_divide(apart: float, n_pieces: int) -> None:
    xy = np.concatenate([square(0, 0, 300, 2000), square(300 + apart, 0, 300, 2000, 1)])
    assert pieces(xy, 180).n_pieces == n_pieces


def test_crumbs_join_the_nearest_piece() -> None:
    large, small, crumb = square(0, 0, 300, 3000), square(1000, 0, 300, 2000, 1), square(1550, 100, 20, 8, 2)
    found = pieces(np.concatenate([large, small, crumb]), 150)
    assert found.n_pieces == 2
    assert set(found.number[-8:]) == {1}


def test_the_cores_of_an_array_are_no_crumbs() -> None:
    cores = [square(600 * (i % 15), 600 * (i // 15), 200, 40, i) for i in range(150)]
    found = pieces(np.concatenate(cores), 200)
    assert found.n_pieces == 150
    np.testing.assert_array_equal(found.number, np.repeat(np.arange(150), 40))


def test_the_usual_gap_grows_with_the_distance_of_cells() -> None:
    assert (default_gap_um(5.0), default_gap_um(34.2), default_gap_um(None)) == (100.0, 410.0, 100.0)


def test_a_gap_narrower_than_the_grid_is_refused_and_breaks_nothing() -> None:
    xy = np.random.default_rng(0).uniform(0, 1e4, (3000, 2))
    with pytest.raises(UserError, match=r"pieces.*Choose a wider gap"):
        pieces(xy, 1e-9)
    assert pieces(xy[:50], 1e-9).n_pieces > 40
