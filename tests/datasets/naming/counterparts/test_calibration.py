"""Reference cells made like the tissue's, and how sure a name may be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from backend.datasets.naming.counterparts.calibration import (
    HeldOut,
    Scorer,
    calibrate,
    calibration,
    draw_alike,
    macro_f1,
    mean_shares,
)
from backend.datasets.naming.counterparts.groups import group_cells
from backend.datasets.naming.counterparts.matching import Match, match
from tests.datasets.naming.small_tissue import kinds

PLAIN = Match(np.zeros(30), 0.0, 0.0, np.full(30, 1 / 30), np.zeros(1, int), np.zeros(1))


def test_cells_are_thinned_binomially_to_the_depth_asked() -> None:
    deep = csr_matrix(kinds(400)[0] * 10)
    depth = np.tile([20.0, 80.0], 200)
    drawn = draw_alike(deep, PLAIN, depth, np.random.default_rng(0)).toarray()
    assert (drawn <= deep.toarray()).all(), "thinning adds no count"
    totals = drawn.sum(axis=1)
    assert totals[::2].mean() == pytest.approx(20, rel=0.05)
    assert totals[1::2].mean() == pytest.approx(80, rel=0.05)


def test_favoured_genes_are_drawn_more_and_the_background_is_added() -> None:
    deep = csr_matrix(np.full((2000, 30), 100.0))
    favour = np.zeros(30)
    favour[0] = np.log(3.0)
    match_ = replace(PLAIN, efficiency=favour, background=0.5, middle=np.r_[np.zeros(29), 1.0])
    drawn = draw_alike(deep, match_, np.full(2000, 64.0), np.random.default_rng(0)).toarray().mean(axis=0)
    assert drawn[0] == pytest.approx(3.0, rel=0.1), "3 / 32 of the half that is its own"
    assert drawn[1] == pytest.approx(1.0, rel=0.1)
    assert drawn[29] == pytest.approx(33.0, rel=0.05)


def test_expression_that_is_no_count_is_drawn_too() -> None:
    drawn = draw_alike(csr_matrix(np.full((300, 30), 0.01)), PLAIN, np.full(300, 60.0), np.random.default_rng(0))
    assert drawn.sum(axis=1).mean() == pytest.approx(60, rel=0.05)
    assert (drawn.data == np.rint(drawn.data)).all()


def test_types_of_few_cells_are_learnt_but_not_held_out() -> None:
    values, truth = kinds(300)
    code = np.select([truth == "A", truth == "B"], [0, 1], 2)
    code[0] = 3  # a type of one cell
    counts = csr_matrix(values)
    matched = match(group_cells(counts, 0), mean_shares(counts, code, 4))
    scorer, held_out = calibrate(matched, counts, code, counts, np.random.default_rng(0))
    assert list(held_out.spared) == [3]
    assert 3 not in held_out.truth
    assert len(scorer.expected) == 4
    assert held_out.accuracy > 0.9


def test_types_that_cannot_be_told_apart_are_not_sure() -> None:
    """Two names given at random to the same cells: a probability of about one half, and right half the time."""
    values, truth = kinds(600)
    code = np.random.default_rng(1).integers(0, 2, 600) + 2 * (truth == "C")
    code = np.unique(code, return_inverse=True)[1]
    counts = csr_matrix(values)
    matched = match(group_cells(counts, 0), mean_shares(counts, code, code.max() + 1))
    _, held_out = calibrate(matched, counts, code, counts, np.random.default_rng(0))
    error, _ = calibration(held_out.probability, held_out.likeliest == held_out.truth)
    assert held_out.accuracy == pytest.approx(0.5, abs=0.1)
    assert error < 0.1
    assert np.median(held_out.probability) < 0.7


def test_the_map_mends_a_probability_that_is_too_low_or_too_high() -> None:
    """Two kinds that every tenth cell's label mistakes: no temperature can say .9 of cells that look certain."""
    values, truth = kinds(900)
    rng = np.random.default_rng(1)
    code = np.select([truth == "A", truth == "B"], [0, 1], 2)
    code = np.where(rng.random(900) < 0.25, rng.integers(0, 3, 900), code)
    counts = csr_matrix(values)
    matched = match(group_cells(counts, 0), mean_shares(counts, code, 3))
    scorer, held_out = calibrate(matched, counts, code, counts, rng)
    right = held_out.likeliest == held_out.truth
    assert calibration(held_out.probability, right)[0] < 0.04
    scores = scorer.score(counts)
    assert scorer.sureness(scores).mean() == pytest.approx(right.mean(), abs=0.03)
    assert (np.diff(scorer.found) >= 0).all(), "surer by score is never less sure"


def test_surprise_tells_cells_of_another_kind() -> None:
    values, truth = kinds(600)
    counts, known = csr_matrix(values), truth != "C"
    code = (truth[known] == "B").astype(int)
    matched = match(group_cells(counts[known], 0), mean_shares(counts[known], code, 2))
    scorer, held_out = calibrate(matched, counts[known], code, counts[known], np.random.default_rng(0))
    beyond = scorer.surprise(counts, scorer.score(counts)) > scorer.limit
    assert beyond[~known].mean() > 0.8
    assert beyond[known].mean() < 0.05
    assert np.mean(held_out.surprise > scorer.limit) <= 0.011
    nothing = csr_matrix((2, 30), dtype=np.float32)
    np.testing.assert_array_equal(scorer.surprise(nothing, scorer.score(nothing)), 0.0)


def test_a_lower_temperature_is_less_sure() -> None:
    scorer = Scorer(np.array([[0.9, 0.1], [0.1, 0.9]]))
    scores = scorer.score(csr_matrix([[3.0, 1.0]]))
    assert scorer.probabilities(scores)[0, 0] == pytest.approx(0.9**3 * 0.1 / (0.9**3 * 0.1 + 0.1**3 * 0.9))
    assert replace(scorer, temperature=0.1).probabilities(scores)[0, 0] < scorer.probabilities(scores)[0, 0]


def test_the_error_is_the_gap_between_sure_and_right() -> None:
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.55, 0.55])
    right = np.array([True, True, True, False, True, False])
    error, bins = calibration(confidence, right)
    assert error == pytest.approx((4 * abs(0.95 - 0.75) + 2 * abs(0.55 - 0.5)) / 6)
    assert bins == [[0.55, 0.5, 2], [0.95, 0.75, 4]]
    assert calibration(np.array([1.0]), np.array([True])) == (0.0, [[1.0, 1.0, 1]])


def test_macro_f1_is_over_types_that_are_there() -> None:
    truth = np.array(["A", "A", "B", "B", "C"])
    predicted = np.array(["A", "unsure", "B", "A", "C"])
    assert macro_f1(truth, predicted) == pytest.approx((1 / 2 + 2 / 3 + 1) / 3)
    assert np.isnan(macro_f1(truth[:0], predicted[:0]))


def test_confusion_counts_the_unsure() -> None:
    names = np.array(["A", "B"], dtype=object)
    held_out = HeldOut(np.array([0, 0, 1]), np.array([0, 1, 1]), np.ones(3), np.zeros(3), np.zeros(0, int))
    table = held_out.confusion(names, np.array([True, True, False]))
    rows = set(table.itertuples(index=False, name=None))
    assert rows == {("A", "A", 1), ("A", "B", 1), ("B", "unsure", 1)}


def test_shares_are_of_cells_not_of_counts() -> None:
    values = csr_matrix([[9.0, 1.0], [0.0, 10.0], [0.0, 0.0], [50.0, 50.0]])
    found = mean_shares(values, np.array([0, 0, 0, 1]), 2)
    np.testing.assert_allclose(found, [[0.45, 0.55], [0.5, 0.5]])
