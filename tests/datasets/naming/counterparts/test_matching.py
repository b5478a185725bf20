"""Profiles bent to what the tissue shows, and groups that no type explains."""

from __future__ import annotations

import numpy as np
import pytest

from backend.datasets.naming.counterparts.groups import Groups
from backend.datasets.naming.counterparts.matching import Match, agree, match, weighted_median

N_TYPES, N_MARKERS = 6, 10


def world(seed: int = 0, background: float = 0.0) -> tuple[np.ndarray, np.ndarray, Groups]:
    """Six types of ten markers and twenty common genes; what platforms do to each gene (log); one group of the tissue
    for each type, and ten of the first, the commonest."""
    rng = np.random.default_rng(seed)
    shares = rng.uniform(0.5, 1.5, (N_TYPES, N_TYPES * N_MARKERS + 20))
    for t in range(N_TYPES):
        shares[t, t * N_MARKERS : (t + 1) * N_MARKERS] *= 20
    shares /= shares.sum(axis=1, keepdims=True)
    efficiency = rng.normal(0, 0.5, shares.shape[1])
    shown = shares * np.exp(efficiency)
    shown /= shown.sum(axis=1, keepdims=True)
    of = np.concatenate([np.zeros(10, int), np.arange(1, N_TYPES)])
    rates = (1 - background) * shown[of] + background * shown.mean(axis=0)
    counts = rng.poisson(rates * 5000).astype(float)
    return shares, efficiency, Groups(np.repeat(np.arange(len(of)), 100), counts, counts.sum(axis=0) / counts.sum())


def test_every_group_finds_its_type_and_the_platforms_are_seen_through() -> None:
    shares, efficiency, groups = world()
    found = match(groups, shares)
    np.testing.assert_array_equal(found.nearest, [0] * 10 + [1, 2, 3, 4, 5])
    assert not found.lost.any()
    assert np.corrcoef(found.efficiency, efficiency)[0, 1] > 0.9
    assert found.background <= 0.1
    np.testing.assert_allclose(found.expected(shares).sum(axis=1), 1.0)


@pytest.mark.parametrize("missing", [(0,), (1, 2), (0, 3, 5)], ids=["the commonest", "two rare ones", "half of all"])
def test_groups_of_missing_types_are_lost_and_no_other(missing: tuple[int, ...]) -> None:
    shares, _, groups = world()
    kept = [t for t in range(N_TYPES) if t not in missing]
    found = match(groups, shares[kept])
    of = np.array([0] * 10 + [1, 2, 3, 4, 5])
    np.testing.assert_array_equal(found.lost, np.isin(of, missing))
    np.testing.assert_array_equal(np.array(kept)[found.nearest[~found.lost]], of[~found.lost])


def test_what_spills_over_is_told_from_what_a_cell_expresses() -> None:
    shares, _, groups = world(background=0.4)
    found = match(groups, shares)
    np.testing.assert_array_equal(found.nearest, [0] * 10 + [1, 2, 3, 4, 5])
    assert 0.2 <= found.background <= 0.5
    assert not found.lost.any()


def test_one_group_alone_is_not_lost() -> None:
    """Its profile is the middle: nothing sets it apart."""
    shares, _, groups = world()
    alone = Groups(np.zeros(50, int), groups.counts[:1], groups.counts[0] / groups.counts[0].sum())
    assert not match(alone, shares).lost.any()


def test_expected_mixes_in_the_background() -> None:
    middle = np.array([0.5, 0.5])
    made = Match(np.zeros(2), 0.4, 0.0, middle, np.zeros(1, int), np.zeros(1))
    np.testing.assert_allclose(made.expected(np.array([[1.0, 0.0]])).sum(), 1.0)
    assert made.expected(np.array([[1.0, 0.0]]))[0, 1] == pytest.approx(0.4 * 0.5, abs=0.02)


def test_weighted_median_of_columns() -> None:
    values = np.array([[1.0, 5.0], [2.0, 4.0], [9.0, 3.0]])
    weights = np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 5.0]])
    np.testing.assert_array_equal(weighted_median(values, weights), [2.0, 3.0])


def test_groupings_agree_on_what_the_platforms_do() -> None:
    shares, efficiency, groups = world()
    rough = Groups(np.repeat(np.arange(3), 500), groups.counts.reshape(3, 5, -1).sum(axis=1), groups.mean)
    found = agree([groups, rough, groups], shares)
    np.testing.assert_array_equal(found[0].efficiency, found[1].efficiency)
    assert np.corrcoef(found[1].efficiency, efficiency)[0, 1] > 0.9
    assert [len(one.distance) for one in found] == [15, 3, 15]
    assert not found[0].lost.any()
