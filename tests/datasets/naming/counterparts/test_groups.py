"""Groups of like cells in a tissue."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from backend.datasets.naming.counterparts.groups import Groups, group_cells, mean_profile, voices
from tests.datasets.naming.small_tissue import kinds


def mixed_depths(n_cells: int = 600) -> tuple[csr_matrix, np.ndarray]:
    """Three kinds, every other cell four times as deep."""
    values, truth = kinds(n_cells)
    values[::2] += kinds(n_cells, seed=1)[0][::2] + kinds(n_cells, seed=2)[0][::2] + kinds(n_cells, seed=3)[0][::2]
    return csr_matrix(values), truth


def test_groups_follow_kinds_not_depth() -> None:
    counts, truth = mixed_depths()
    groups = group_cells(counts, seed=0)
    of_group = [truth[groups.group == g] for g in range(len(groups.counts))]
    pure = sum(max((part == kind).sum() for kind in "ABC") for part in of_group) / len(truth)
    assert pure > 0.97
    assert sum(len(part) for part in of_group) == 600


def test_the_largest_is_first_and_none_is_empty() -> None:
    groups = group_cells(mixed_depths()[0], seed=0)
    sizes = np.bincount(groups.group)
    assert sizes.min() > 0
    assert list(sizes) == sorted(sizes, reverse=True)
    assert groups.names[0] in ("group 1", "group 01")
    assert len(set(groups.names)) == len(sizes)


def test_sums_profiles_and_membership_belong_together() -> None:
    counts, _ = mixed_depths()
    groups = group_cells(counts, seed=0)
    np.testing.assert_allclose(groups.counts[0], counts.toarray()[groups.group == 0].sum(axis=0))
    np.testing.assert_allclose(groups.profiles.sum(axis=1), 1.0)
    share = groups.membership(counts)
    np.testing.assert_allclose(share.sum(axis=1), 1.0)
    assert np.mean(share.argmax(axis=1) == groups.group) > 0.95


def test_the_same_seed_gives_the_same_groups() -> None:
    counts, _ = mixed_depths()
    np.testing.assert_array_equal(group_cells(counts, seed=3).group, group_cells(counts, seed=3).group)


def test_one_cell_and_empty_cells_are_grouped() -> None:
    assert list(group_cells(csr_matrix(np.ones((1, 5), np.float32)), seed=0).group) == [0]
    half_empty = kinds(80)[0]
    half_empty[::2] = 0
    assert len(group_cells(csr_matrix(half_empty), seed=0).group) == 80
    np.testing.assert_allclose(mean_profile(csr_matrix((3, 4), dtype=np.float32)), 0.25)


def test_profiles_of_one_kind_share_one_voice() -> None:
    """However many groups a common kind falls into, the middle stays between the kinds."""
    one, other = np.r_[np.full(5, 0.19), np.full(5, 0.01)], np.r_[np.full(5, 0.01), np.full(5, 0.19)]
    profiles = np.stack([one, one, one, other])
    np.testing.assert_allclose(voices(profiles), [1 / 3, 1 / 3, 1 / 3, 1.0], atol=0.02)
    groups = Groups(np.arange(4), profiles * 1e6, np.full(10, 0.1))
    np.testing.assert_allclose(groups.middle, 0.1, atol=0.002)
