"""The tracks of methods.md §8: what is hidden from a method, and how what it says is scored.

*Unmeasured gene* (Track Z): a fold's genes are hidden in every cell. *Unseen region* (Track S): they may be read in the
training cells, and are scored in the others; fold k of the genes goes with rotation k of the blocks, so that every
gene, and over the folds every cell, is tested once. A further track is one more entry of `TRACKS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.errors import UserError
from backend.evaluation.genes.folds import GeneFold
from backend.evaluation.genes.levels import Level, levels_of, score_levels
from backend.evaluation.genes.metrics import scale_of
from backend.evaluation.genes.regions import Split, blocks, casper_seed42
from backend.evaluation.genes.source import GenePair, Seen, cut_view
from backend.evaluation.genes.truth import Truth, TruthName, truth_of
from backend.methods.contract import Track
from backend.methods.imputation import FoldView, Imputed, depths

FEWEST_CELLS = 20


@dataclass(frozen=True)
class Trial:
    """One fit that is scored. number: of the fold, from 0. rows: of the view, scored. border: of a held-out region."""

    number: int
    fold: GeneFold
    seen: Seen
    truth: Truth
    rows: NDArray[np.intp]
    border: str = ""

    @property
    def view(self) -> FoldView:
        return self.seen.view


@dataclass(frozen=True)
class Plan:
    """truth: what is compared with; split: of the cells, where a region is held out."""

    truth: TruthName = "T1"
    split: Split = "blocks"


def make_trial(track: Track, pair: GenePair, number: int, fold: GeneFold, plan: Plan = Plan()) -> Trial:
    """What a fold shows to a method, and what it is scored on. Raises `UserError` where the fold leaves no inputs."""
    return TRACKS[track](pair, number, fold, plan)


def _unmeasured_gene(pair: GenePair, number: int, fold: GeneFold, plan: Plan) -> Trial:
    seen = _cut(pair, fold)
    truth = truth_of(plan.truth, pair, seen, fold.targets)
    return Trial(number, fold, seen, truth, truth.rows)


def _unseen_region(pair: GenePair, number: int, fold: GeneFold, plan: Plan) -> Trial:
    tissue = pair.tissue
    if plan.split == "casper-seed42":
        region = casper_seed42(tissue.n_cells)
    else:
        if tissue.coordinates is None:
            raise UserError("A region can only be held out where cells have places.", mend="Add their coordinates.")
        rotations = blocks(tissue.coordinates, tissue.section)
        region = rotations[number % len(rotations)]
    seen = _cut(pair, fold, region.train)
    truth = truth_of(plan.truth, pair, seen, fold.targets)
    rows = np.intersect1d(truth.rows, np.flatnonzero(np.isin(seen.rows, region.test)))
    return Trial(number, fold, seen, truth, rows, region.border)


TRACKS: Mapping[Track, Callable[[GenePair, int, GeneFold, Plan], Trial]] = MappingProxyType(
    {"unmeasured-gene": _unmeasured_gene, "unseen-region": _unseen_region}
)


def _cut(pair: GenePair, fold: GeneFold, train: NDArray[np.intp] | None = None) -> Seen:
    seen = cut_view(pair, fold.inputs, fold.targets, train)
    if len(seen.rows) < FEWEST_CELLS:
        raise UserError(
            f"Fold {fold.name} leaves {len(seen.rows)} cells with a count of its {len(fold.inputs)} input genes.",
            f"The tissue has {pair.tissue.n_cells:,} cells; at least {FEWEST_CELLS} need a count of one.",
            "Bring deeper data, a larger panel, or ask for more folds so that each hides fewer genes.",
        )
    return seen


def trial_levels(trial: Trial, types: Sequence[str] | None = None) -> tuple[Level, ...]:
    """At which the scored cells are compared. types: labels of the view's cells; else clusters of their inputs."""
    return tuple(level.over(trial.rows) for level in levels_of(trial.view.tissue, types))


def score_trial(trial: Trial, imputed: Imputed, levels: Sequence[Level]) -> pd.DataFrame:
    """One row per gene and level: gene, level, fold (from 0), the scores, n, constant. levels: see `trial_levels`."""
    log_depth = np.log1p(depths(trial.view.tissue))[trial.rows]
    truth, values = trial.truth.values[trial.rows], imputed.values[trial.rows]
    scale = scale_of(imputed, trial.view)
    return score_levels(truth, values, log_depth, trial.fold.targets, levels, scale).assign(fold=trial.number)


def check_imputed(imputed: Imputed, trial: Trial, title: str) -> None:
    """Raises `UserError` where a method gave no number for some gene and cell: part of an answer is not scored."""
    expected = (trial.view.tissue.n_cells, len(trial.fold.targets))
    if imputed.genes != trial.fold.targets or imputed.values.shape != expected:
        raise ValueError(f"{title} gave {imputed.values.shape} for {expected}")
    broken = int((~np.isfinite(imputed.values)).any(axis=0).sum())
    if broken:
        raise UserError(
            f"{title} gave no finite number for {broken} of {expected[1]} genes of fold {trial.number}.",
            "Its training diverged.",
            "Lower its learning rate, or leave the method out.",
        )
