"""How Quorum's few settings are chosen: by hiding some of the genes that it may read, and looking how they come out.

No target gene takes part. The hidden genes are compared with log1p of their counts at the depth of the genes that were
left, as a target gene is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from backend.analysis.agreement import pearson, ssim_li
from backend.datasets.expression import linear
from backend.methods.contract import Cells, Floats, RunContext
from backend.methods.imputation import depths, log_at_depth
from backend.methods.quorum import units
from backend.methods.quorum.cells import Directions, Scale, directions
from backend.methods.quorum.config import QuorumConfig
from backend.methods.quorum.kriging import hear
from backend.training.batches import stream

Floats64 = NDArray[np.float64]
SCALES: tuple[Scale, ...] = ("log", "root")
NOISES = (0.5, 1.0)
PATHWAYS = (0.0, 0.1, 0.2, 0.4)  # weight of the likeness by pathways beside that by cells, which is 1
FEWEST_GENES = 10  # below, a hidden part says nothing
SSIM_PRICE = 0.998  # of the best correlation: what a shape that looks more like measurements may cost


@dataclass(frozen=True)
class Choice:
    """scale: of the counts in which cells are compared. noise: of a measured gene. pathways: weight of their likeness.
    shape: how a standard score becomes expression. tried: hidden genes that decided; 0: the defaults."""

    scale: Scale = "log"
    noise: float = 1.0
    pathways: float = 0.1
    shape: units.Shape = field(default_factory=units.Shape)
    tried: int = 0


@dataclass(frozen=True)
class Trial:
    """One part of the input genes hidden. read, hidden: places among the input genes. rows: cells with a count left."""

    read: NDArray[np.intp]
    hidden: NDArray[np.intp]
    rows: NDArray[np.intp]
    truth: Floats
    seen: dict[Scale, Directions]


def choose(tissue: Cells, cells: Floats, pathways: Floats, config: QuorumConfig, run: RunContext) -> Choice:
    """cells, pathways: input genes x input genes, likeness by the reference's cells and by pathways.

    The combination of the best mean correlation with hidden genes, if it beats the defaults by more than a standard
    error over genes; then, of the shapes that lose at most .2 %, the one of the best SSIM. Told to stop, it decides by
    the trials that were done."""
    if len(tissue.genes) < FEWEST_GENES:
        return Choice()
    weights = PATHWAYS if pathways.any() else (0.0,)
    options = list(product(SCALES, NOISES, weights))
    trials: list[Trial] = []
    scores: list[list[Floats64]] = []
    for trial in _trials(tissue, config, run):
        trials.append(trial)
        guesses = (_guess(trial, scale, noise, cells + weight * pathways) for scale, noise, weight in options)
        scores.append([pearson(trial.truth, guess) for guess in guesses])
        if run.should_stop():
            break
    usual = options.index((Choice.scale, Choice.noise, Choice.pathways if len(weights) > 1 else 0.0))
    scale, noise, weight = options[clear_winner(np.hstack(scores), usual)]
    best = [_guess(trial, scale, noise, cells + weight * pathways) for trial in trials]
    shape = _shape([trial.truth for trial in trials], best)
    return Choice(scale, noise, weight, shape, sum(len(trial.hidden) for trial in trials))


def clear_winner(scores: Floats64, usual: int) -> int:
    """The row of the highest mean, if it is above the row `usual` by more than the standard error of their paired
    difference; else `usual`. scores: options x genes, NaN where a gene has none."""
    means = np.nanmean(scores, axis=1)
    best = int(means.argmax())
    gain = scores[best] - scores[usual]
    gain = gain[np.isfinite(gain)]
    return best if len(gain) and gain.mean() > gain.std() / np.sqrt(len(gain)) else usual


def _trials(tissue: Cells, config: QuorumConfig, run: RunContext) -> Iterator[Trial]:
    order = stream(run.seed, "hidden genes").permutation(len(tissue.genes))
    parts = np.array_split(order, min(config.trials, len(order) // 2))
    for number, hidden in enumerate(parts):
        run.report(number, len(parts) + 1)
        read, hidden = np.setdiff1d(order, hidden), np.sort(hidden)
        left = tissue.of_genes([tissue.genes[column] for column in read])
        total = depths(left)
        rows = np.flatnonzero(total > 0)
        left = left.of_rows(rows)
        truth = log_at_depth(linear(tissue.expression, tissue.scale)[rows][:, hidden], total[rows])
        seen = {scale: directions(left, scale, config.components, config.neighbours) for scale in SCALES}
        yield Trial(read, hidden, rows, truth, seen)


def _guess(trial: Trial, scale: Scale, noise: float, likeness: Floats) -> Floats:
    """rows x hidden genes, standard scores."""
    seen = trial.seen[scale]
    votes = hear(seen.measured, likeness[np.ix_(trial.read, trial.read)], noise)
    return units.standard_scores(seen.basis @ votes.of(likeness[np.ix_(trial.read, trial.hidden)]))


def _shape(truths: list[Floats], guesses: list[Floats]) -> units.Shape:
    pcc, ssim = [], []
    for shape in units.SHAPES:
        shaped = [shape.of(guess) for guess in guesses]
        pcc.append(np.nanmean(np.concatenate([pearson(*pair) for pair in zip(truths, shaped, strict=True)])))
        ssim.append(np.nanmean(np.concatenate([ssim_li(*pair) for pair in zip(truths, shaped, strict=True)])))
    good = np.asarray(pcc) >= max(pcc) - (1 - SSIM_PRICE) * abs(max(pcc))
    return units.SHAPES[int(np.where(good, ssim, -np.inf).argmax())]
