from __future__ import annotations

import numpy as np
import pytest

from backend.analysis.imputation.beyond_type import adjusted, beyond_type


def cells(n: int = 1500, genes: int = 40, seed: int = 0):
    rng = np.random.default_rng(seed)
    types = rng.integers(0, 4, n)
    means = rng.normal(0, 2, (4, genes))[types]
    log_depth = rng.normal(5, 0.5, n)
    return rng, types, means, log_depth, np.arange(n) // (n // 25)


def test_what_only_repeats_the_type_says_no_more() -> None:
    rng, types, means, log_depth, block = cells()
    truth = means + rng.normal(0, 1, means.shape)
    found = beyond_type(truth, means + 0.1 * rng.normal(0, 1, means.shape), types, log_depth, block)
    assert found["beyond_type"].abs().max() < 0.1
    assert (found["p"] < 0.05).mean() < 0.15
    assert (adjusted(found["p"].to_numpy()) < 0.05).sum() == 0
    assert np.corrcoef(truth[:, 0], means[:, 0])[0, 1] > 0.5  # and yet its score is high


def test_what_is_true_within_types_is_found() -> None:
    rng, types, means, log_depth, block = cells()
    own = rng.normal(0, 1, means.shape)
    found = beyond_type(means + own, means + 0.5 * own + rng.normal(0, 1, means.shape), types, log_depth, block)
    assert found["beyond_type"].mean() == pytest.approx(0.5 / np.sqrt(1.25), abs=0.03)
    assert (adjusted(found["p"].to_numpy()) < 0.05).all()


def test_depth_within_types_does_not_count() -> None:
    rng, types, means, log_depth, block = cells()
    depth = log_depth[:, None]
    found = beyond_type(means + depth + rng.normal(0, 1, means.shape), means + depth, types, log_depth, block)
    assert found["beyond_type"].abs().max() < 0.1


def test_a_constant_gene_has_none_and_a_constant_prediction_has_zero() -> None:
    rng, types, means, log_depth, block = cells(genes=2)
    truth, said = means + rng.normal(0, 1, means.shape), means.copy()
    truth[:, 0], said[:, 1] = 0.0, 3.0
    found = beyond_type(truth, said, types, log_depth, block)
    assert np.isnan(found["beyond_type"][0])
    assert np.isnan(found["p"][0])
    assert found["beyond_type"][1] == 0
    assert np.isnan(adjusted(found["p"].to_numpy())[0])


def test_blocks_are_the_observations_not_cells() -> None:
    """Shared noise within blocks: a test over cells would find it everywhere."""
    rng, types, _, log_depth, block = cells(genes=200)
    flat = np.zeros_like(types)
    shared = rng.normal(0, 1, (25, 200))[block % 25]
    other = rng.normal(0, 1, (25, 200))[block % 25]
    found = beyond_type(shared + 0.1 * rng.normal(size=shared.shape), other, flat, log_depth, block)
    assert (found["p"] < 0.05).mean() < 0.12
