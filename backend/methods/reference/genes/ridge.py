"""Comparator *ridge*: a linear map from z-scored input genes to each gene asked for.

Unmeasured gene: learnt among the reference's cells, applied to the tissue's own z-scores; the penalty is the one that
best imputes a fifth of the input genes from the others. Unseen region: learnt among the known cells; the penalty is
the one that predicts strips of them best from the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.methods.contract import Floats
from backend.methods.imputation import Imputed
from backend.methods.reference.genes.adapter import Comparator, Learned, Task
from backend.methods.reference.genes.cards import RIDGE
from backend.methods.reference.genes.holdout import Trial, trials
from backend.methods.reference.genes.scaled import Lesson

PENALTIES = (1e1, 3e1, 1e2, 3e2, 1e3, 3e3, 1e4, 3e4, 1e5)
USUAL = 3e3  # where there is nothing to choose on


@dataclass(frozen=True)
class Line:
    """A ridge regression before its penalty and its goals are known: one decomposition serves them all.

    Of inputs x inputs, or of cells x cells where cells are fewer; exact in both cases."""

    spectrum: NDArray[np.float64]
    project: Callable[[Floats], NDArray[np.float64]]  # cells x goals, centred -> components x goals
    scores: NDArray[np.float64]  # asked cells x components

    @staticmethod
    def between(inputs: Floats, asked: Floats) -> Line:
        centre = inputs.mean(axis=0, dtype=np.float64)
        learnt, wanted = inputs - centre, asked - centre
        if learnt.shape[1] <= learnt.shape[0]:
            values, vectors = np.linalg.eigh(learnt.T @ learnt)
            return Line(values.clip(0), lambda goals: vectors.T @ (learnt.T @ goals), wanted @ vectors)
        values, vectors = np.linalg.eigh(learnt @ learnt.T)
        return Line(values.clip(0), lambda goals: vectors.T @ goals, wanted @ (learnt.T @ vectors))

    def predict(self, goals: Floats, penalties: Sequence[float]) -> list[Floats]:
        """asked cells x goals, for each penalty."""
        mean = goals.mean(axis=0, dtype=np.float64)
        projected = self.project(goals - mean)
        return [
            np.asarray(self.scores @ (projected / (self.spectrum + penalty)[:, None]) + mean, dtype=np.float32)
            for penalty in penalties
        ]


def learn(task: Task) -> Learned:
    lesson = Lesson.of(task.view)
    tried = [_scores(trial) for trial in trials(task.view, lesson, task.seed)]
    penalty = PENALTIES[int(np.argmax(np.mean(tried, axis=0)))] if tried else USUAL
    line = Line.between(lesson.inputs, lesson.asked)

    def answer(genes: tuple[str, ...]) -> Imputed:
        (values,) = line.predict(lesson.columns.read(genes), (penalty,))
        return Imputed(np.maximum(values, 0.0), genes, units=lesson.units)

    return Learned(answer)


def _scores(trial: Trial) -> list[float]:
    line = Line.between(trial.inputs, trial.asked)
    return [trial.score(values) for values in line.predict(trial.goals, PENALTIES)]


METHOD = Comparator(RIDGE, learn)
