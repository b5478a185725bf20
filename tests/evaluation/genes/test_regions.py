from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree
from sklearn.model_selection import train_test_split

from backend.errors import UserError
from backend.evaluation.genes.regions import blocks, casper_seed42, rotation_of, tiles


def places(n: int, side_um: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, side_um, (n, 2)).astype(np.float32)


@pytest.mark.parametrize("n", [913, 1549])
def test_the_published_split(n: int) -> None:
    region = casper_seed42(n)
    train, test = train_test_split(np.arange(n), test_size=0.2, random_state=42)
    np.testing.assert_array_equal(region.test, np.sort(test))
    np.testing.assert_array_equal(region.train, np.sort(train))


def test_tiles_are_contiguous_alike_and_of_one_section() -> None:
    xy, section = places(2000, 1000), np.repeat([0, 1], 1000).astype(np.int32)
    tile = tiles(xy, section)
    assert len(np.unique(tile)) == 50
    assert set(np.bincount(tile)) == {40}
    for label in np.unique(tile):
        inside = xy[tile == label]
        assert len(np.unique(section[tile == label])) == 1
        low, high = inside.min(axis=0), inside.max(axis=0)
        within = ((xy >= low) & (xy <= high)).all(axis=1) & (section == section[tile == label][0])
        np.testing.assert_array_equal(within, tile == label)  # nobody else's cell lies in its rectangle


def test_every_cell_is_tested_once_and_training_keeps_its_distance() -> None:
    xy = places(3000, 6000)
    regions = blocks(xy)
    tested = np.concatenate([region.test for region in regions])
    np.testing.assert_array_equal(np.sort(tested), np.arange(3000))
    for region in regions:
        assert len(region.test) == 600
        assert cKDTree(xy[region.test]).query(xy[region.train])[0].min() >= 100
        assert region.border == "100 µm"
        assert len(region.train) > 1000


def test_sections_do_not_border_on_each_other() -> None:
    xy = np.tile(places(1000, 6000), (2, 1))  # two sections laid over each other
    section = np.repeat([0, 1], 1000).astype(np.int32)
    alone = blocks(xy[:1000])[0]
    np.testing.assert_array_equal(blocks(xy, section)[0].train[: len(alone.train)], alone.train)


def test_a_small_tissue_loses_one_ring_only() -> None:
    xy = places(2000, 700)
    region = blocks(xy)[0]
    assert "ring" in region.border
    assert len(region.train) + len(region.test) < 2000
    _, near = cKDTree(xy).query(xy[region.test], k=2)
    assert not np.isin(near[:, 1], region.train).any()
    assert len(region.train) > 800


def test_too_few_cells_are_refused() -> None:
    with pytest.raises(UserError, match="too small"):
        blocks(places(60, 900))
    with pytest.raises(UserError, match="too small"):
        casper_seed42(40)


def test_each_row_and_column_is_held_out_once() -> None:
    x, y = np.meshgrid(np.arange(5.0), np.arange(5.0), indexing="ij")
    held = rotation_of(np.column_stack([x.ravel(), y.ravel()]).astype(np.float32)).reshape(5, 5)
    for line in [*held, *held.T]:
        assert sorted(line) == [0, 1, 2, 3, 4]
