"""Balanced by type: rare types whole, the rest at one level, the sum as asked."""

from __future__ import annotations

import numpy as np
import pytest

from backend.datasets.versions.subsample import balanced, quotas


@pytest.mark.parametrize("seed", range(60))
def test_quotas_fill_as_water_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = {f"type {i}": int(size) for i, size in enumerate(rng.integers(1, 400, rng.integers(1, 9)))}
    most = int(rng.integers(10, 1500))
    taken = quotas(sizes, most)
    assert sum(taken.values()) == min(most, sum(sizes.values()))
    level = max(taken.values())
    for name, number in taken.items():
        assert number == sizes[name] or number >= level - 1  # whole, or at the level of all that are cut


def test_rare_types_stay_whole_and_the_rest_is_told() -> None:
    types = np.repeat(["T cell", "Mast", "Tumour"], [500, 20, 900])
    mask, said = balanced(types, 220, seed=0)
    assert {name: int(mask[types == name].sum()) for name in set(types)} == {"T cell": 100, "Mast": 20, "Tumour": 100}
    assert said[0] == "Tumour: 100 of 900 kept, drawn at random (seed 0)."
    assert said[-1] == "Kept whole: Mast."


def test_the_seed_decides() -> None:
    types = np.repeat(["a", "b"], [300, 300])
    first, again, other = (balanced(types, 100, seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_nothing_is_drawn_where_all_fit() -> None:
    mask, said = balanced(np.repeat("a", 30), 30, 0)
    assert mask.all()
    assert said == ()
