"""What settings are chosen on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backend.methods.reference.genes.holdout import Trial, trials
from backend.methods.reference.genes.ridge import PENALTIES, Line
from backend.methods.reference.genes.scaled import Lesson, z_scores
from tests.methods.genes.small_pair import sparse, view


def test_hidden_genes_tell_nothing_to_what_is_asked() -> None:
    seen, _ = view()
    (before,) = trials(seen, Lesson.of(seen), 0)
    assert (before.inputs.shape[1], before.goals.shape[1]) == (20, 4)
    values = seen.tissue.expression.toarray()
    lesson = Lesson.of(seen).inputs
    hidden = [c for c in range(24) if not any(np.allclose(lesson[:, c], column) for column in before.inputs.T)]
    values[:, hidden] = np.random.default_rng(5).poisson(50, (len(values), 4))
    other = replace(seen, tissue=replace(seen.tissue, expression=sparse(values)))
    (after,) = trials(other, Lesson.of(other), 0)
    np.testing.assert_array_equal(before.asked, after.asked)
    assert not np.allclose(before.truth, after.truth)


def test_strips_part_the_known_cells_by_place() -> None:
    seen, _ = view(known=True)
    assert seen.known is not None
    assert seen.tissue.coordinates is not None
    lesson = Lesson.of(seen)
    found = list(trials(seen, lesson, 0))
    assert [len(trial.asked) for trial in found] == [15] * 5
    assert [len(trial.inputs) for trial in found] == [60] * 5
    first = np.argsort(seen.tissue.coordinates[seen.known.rows, 0])[:15]
    np.testing.assert_array_equal(found[0].asked, lesson.inputs[first])


def test_too_little_to_choose_on() -> None:
    seen, _ = view(known=True)
    few = replace(seen, known=replace(seen.known, rows=np.arange(9), expression=seen.known.expression[:9]))  # type: ignore[type-var, union-attr]
    assert list(trials(few, Lesson.of(few), 0)) == []


def test_the_score_is_the_mean_correlation_of_genes_that_vary() -> None:
    truth = np.array([[0, 1, 5], [1, 0, 5], [2, 2, 5]], dtype=np.float32)
    trial = Trial(truth, truth, truth, truth)
    assert np.isclose(trial.score(np.array([[0, 3, 1], [2, 3, 0], [4, 3, 1]], dtype=np.float32)), 0.5)


def test_ridge_is_the_closed_form_in_both_shapes() -> None:
    rng = np.random.default_rng(0)
    for cells, genes in ((50, 8), (8, 50)):
        inputs = z_scores(rng.normal(size=(cells, genes)).astype(np.float32))
        goals, asked = rng.normal(size=(cells, 3)), rng.normal(size=(5, genes)).astype(np.float32)
        penalty = PENALTIES[2]
        weights = np.linalg.solve(inputs.T @ inputs + penalty * np.eye(genes), inputs.T @ (goals - goals.mean(axis=0)))
        (found,) = Line.between(inputs, asked).predict(goals.astype(np.float32), (penalty,))
        np.testing.assert_allclose(found, asked @ weights + goals.mean(axis=0), rtol=1e-3, atol=1e-4)
