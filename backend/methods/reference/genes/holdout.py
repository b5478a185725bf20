"""What a comparator chooses its own settings on: hidden input genes, or strips of the known cells. Never a target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.datasets.expression import linear
from backend.methods.contract import Floats
from backend.methods.imputation import FoldView, depths, log_at_depth, log_tissue
from backend.methods.reference.genes.scaled import Lesson, z_scores
from backend.training.batches import stream

FEWEST_GENES, FEWEST_CELLS = 5, 50
STRIPS = 5
MOST_GENES = 500  # that are scored: more would not change a choice


@dataclass(frozen=True)
class Trial:
    """A lesson whose answer is known. inputs: m x inputs and goals: m x goals, to learn from; asked: k x inputs;
    truth: k x goals, what a good answer correlates with."""

    inputs: Floats
    goals: Floats
    asked: Floats
    truth: Floats

    def score(self, values: Floats) -> float:
        """Mean over goals of the correlation over cells; goals of constant truth left out, constant answers 0."""
        true, told = (part - part.mean(axis=0, dtype=np.float64) for part in (self.truth, values))
        spread_true, spread_told = (np.sqrt((part**2).sum(axis=0)) for part in (true, told))
        varies = spread_true > 1e-6
        if not varies.any():
            return 0.0
        product = np.where(spread_told > 1e-6, spread_true * spread_told, np.inf)[varies]
        return float(((true * told).sum(axis=0)[varies] / product).mean())


def trials(view: FoldView, lesson: Lesson, seed: int) -> Iterator[Trial]:
    """Unmeasured gene: one, with a fifth of the input genes hidden. Unseen region: five, a strip of known cells each.
    None where genes or cells are too few."""
    if view.known is None:
        return _hidden_genes(view, lesson, seed)
    return _strips(view, lesson)


def _hidden_genes(view: FoldView, lesson: Lesson, seed: int) -> Iterator[Trial]:
    """The tissue is scaled anew from the genes that are left: a total of all would tell of the hidden ones."""
    number = len(view.input_genes)
    if number < FEWEST_GENES:
        return
    order = stream(seed, "comparator/hidden-genes").permutation(number)
    hidden, left = np.sort(order[: number // 5])[:MOST_GENES], np.sort(order[number // 5 :])
    tissue = view.tissue.of_genes([view.input_genes[column] for column in left])
    total = depths(tissue)
    rows = np.flatnonzero(total > 0)
    if len(rows) == 0:
        return
    measured = linear(view.tissue.expression[rows][:, hidden], view.tissue.scale)
    yield Trial(
        inputs=lesson.inputs[:, left],
        goals=lesson.inputs[:, hidden],
        asked=z_scores(log_tissue(tissue)[rows]),
        truth=log_at_depth(measured, total[rows]),
    )


def _strips(view: FoldView, lesson: Lesson) -> Iterator[Trial]:
    """Strips across x, of equal numbers of cells; in their order where there are no coordinates."""
    assert view.known is not None
    rows, place = view.known.rows, view.tissue.coordinates
    if len(rows) < FEWEST_CELLS:
        return
    along: NDArray[np.intp] = np.arange(len(rows)) if place is None else np.argsort(place[rows, 0], kind="stable")
    goals = lesson.columns.read(lesson.columns.most_varied(view.target_genes, MOST_GENES))
    for strip in np.array_split(along, STRIPS):
        rest = np.setdiff1d(along, strip)
        yield Trial(lesson.inputs[rest], goals[rest], lesson.inputs[strip], goals[strip])
