"""Scales, and SpaGE's weights by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.methods.imputation import Known, depths
from backend.methods.reference.genes.scaled import known_columns, nearest_weights, reference_columns, z_scores
from tests.methods.genes.small_pair import TARGETS, sparse, view

ASKED = np.array([[1.0, 0.0]], dtype=np.float32)


def at_angles(*degrees: float) -> np.ndarray:
    radians = np.deg2rad(degrees)
    return np.column_stack([np.cos(radians), np.sin(radians)]).astype(np.float32)


def test_weights_of_three_neighbours_by_hand() -> None:
    # Distances 1 - cos: .5, 1.5 (left out), 0 and .2; their sum is .7; a weight is (1 - d / .7) / 2.
    found = nearest_weights(ASKED, at_angles(60, 120, 0, 36.8699)).toarray()
    np.testing.assert_allclose(found, [[1 / 7, 0, 0.5, 5 / 14]], atol=1e-5)


def test_only_the_nearest_count() -> None:
    found = nearest_weights(ASKED, at_angles(60, 30, 45, 80), count=2).toarray()
    d30, d45 = 1 - np.cos(np.deg2rad(30)), 1 - np.cos(np.deg2rad(45))
    np.testing.assert_allclose(found, [[0, 1 - d30 / (d30 + d45), 1 - d45 / (d30 + d45), 0]], atol=1e-5)


@pytest.mark.parametrize(
    ("pool", "weights"),
    [
        (at_angles(120, 180), [0.5, 0.5]),  # nobody alike: the mean of all
        (at_angles(60, 120), [1, 0]),  # one alike: it alone
        (at_angles(0, 0, 180), [0.5, 0.5, 0]),  # none at any distance: alike
        (np.zeros((3, 2), dtype=np.float32), [1 / 3] * 3),  # directions that do not exist
    ],
)
def test_where_the_rule_says_nothing_weights_still_sum_to_one(pool: np.ndarray, weights: list[float]) -> None:
    np.testing.assert_allclose(nearest_weights(ASKED, pool).toarray(), [weights], atol=1e-6)


def test_weights_do_not_depend_on_the_portion() -> None:
    rng = np.random.default_rng(0)
    asked, pool = rng.normal(size=(2100, 4)).astype(np.float32), rng.normal(size=(60, 4)).astype(np.float32)
    whole = nearest_weights(asked, pool)
    np.testing.assert_allclose(whole.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(whole[2040:2060].toarray(), nearest_weights(asked[2040:2060], pool).toarray(), atol=1e-6)


def test_a_constant_gene_is_zero() -> None:
    values = np.array([[1, 5], [3, 5]], dtype=np.float32)
    np.testing.assert_array_equal(z_scores(values), [[-1, 0], [1, 0]])


def test_the_reference_is_scaled_over_all_its_genes() -> None:
    pair, _ = view()
    counts = pair.reference.expression.toarray()
    column = pair.reference.genes.index("T1")
    by_hand = np.log1p(counts[:, column] / counts.sum(axis=1) * 1e4)
    np.testing.assert_allclose(reference_columns(pair).read(("T1",))[:, 0], by_hand, rtol=1e-5)


def test_known_cells_are_scaled_by_their_inputs_alone() -> None:
    pair, _ = view(known=True)
    assert pair.known is not None
    total = depths(pair.tissue)
    counts = pair.known.expression.toarray()[:, 2]
    by_hand = np.log1p(counts * np.median(total) / total[pair.known.rows])
    np.testing.assert_allclose(known_columns(pair).read((TARGETS[2],))[:, 0], by_hand, rtol=1e-5)


def test_the_genes_that_vary_most() -> None:
    pair, _ = view(known=True)
    values = np.zeros((75, len(TARGETS)))
    values[:40, 4], values[:40, 1] = 9, 3
    pair = replace(pair, known=Known(np.arange(75), sparse(values)))
    assert known_columns(pair).most_varied(TARGETS, 2) == ("T1", "T4")
    assert known_columns(pair).most_varied(TARGETS, 9) == TARGETS
