"""Fits of an imputation as checkpointed steps of a job, and folds whose values are kept beside them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.analysis.imputation.attention import entropy
from backend.evaluation.fits import FITTED, Part, Quiet
from backend.evaluation.genes.levels import Level
from backend.evaluation.genes.metrics import scale_of
from backend.evaluation.genes.tracks import Trial, check_imputed, score_trial, trial_levels
from backend.evaluation.imputed.opened import OpenedImputation
from backend.methods import registry
from backend.methods.contract import Config, Floats, Track
from backend.methods.imputation import FittedImputer, FoldView, Imputed, Imputer
from backend.store.arrays import read_columns, write_columns
from backend.store.layout import read_json, whole_folder, write_json
from backend.training.job import Job

SCORED = "scored"
# Scored on the same folds, in the same job: what a simple answer reaches.
COMPARATORS: dict[Track, tuple[str, ...]] = {
    "unmeasured-gene": ("own-total", "centroid", "knn", "spage"),
    "unseen-region": ("gene-mean", "ridge", "knn"),
}


@dataclass(frozen=True)
class Scored:
    """A fold that is done. values: cells of its view x its targets. entropy: of the attention, per cell of the view;
    None where the method does not attend. doubt: the method's own, per target, or None. ended_at: the step at which the
    training gave up; None: it did not."""

    values: Floats
    units: str
    scores: pd.DataFrame
    entropy: NDArray[np.float64] | None
    doubt: NDArray[np.float64] | None
    seconds: float
    ended_at: int | None = None


@dataclass
class ImputerFits:
    """The fits of one run, in order. step: how far the job had come when the last of them reported."""

    opened: OpenedImputation
    job: Job
    count: int
    done: int = 0
    step: int = 0
    imputer: Imputer = field(init=False)

    def __post_init__(self) -> None:
        self.imputer = cast(Imputer, registry.method(self.opened.run.method))

    def fit(self, name: str, view: FoldView) -> tuple[FittedImputer, bool]:
        """(trained, or read back; whether it is whole). One that was told to stop is not whole, and not counted as
        done. One that ended early by itself, because its losses were no numbers any more, is all that there will be."""
        inner = self.job.fit_context(name, self.opened.run.seed)
        folder = inner.folder / FITTED
        if not (folder / "manifest.json").exists():
            part = Part(inner, self.done, self.count)
            try:
                fitted = self.imputer.fit(view, self.opened.config, part)
            finally:
                self.step = max(self.step, part.step)
            if fitted.stopped_at is not None and self.job.should_stop():
                return fitted, False
            with whole_folder(folder) as partial:
                fitted.save(partial)
        self.done += 1
        # Read back even what was just trained, so that a resumed run cannot differ from an undisturbed one.
        return self.imputer.load(folder, view), True

    def quiet(self, name: str) -> Quiet:
        return Quiet(self.job.fit_context(name, self.opened.run.seed))

    def score(self, trial: Trial, types: NDArray[np.object_] | None) -> Scored | None:
        """Fit a fold, impute its genes, score them beside the comparators'; or read all that back. None: the fit was
        told to stop, and half of a training is not mixed with whole ones."""
        folder = self.job.fit_context(trial.fold.name, self.opened.run.seed).folder / SCORED
        if not (folder / "facts.json").exists():
            started = time.monotonic()
            self.job.stage(f"training without the genes of fold {trial.number + 1}")
            fitted, whole = self.fit(trial.fold.name, trial.view)
            if not whole:
                return None
            quiet = self.quiet(trial.fold.name)
            imputed = in_tissue_units(fitted.impute(trial.fold.targets, quiet), trial.view)
            check_imputed(imputed, trial, self.opened.card.title)
            facts = {"units": imputed.units, "seconds": time.monotonic() - started, "ended_at": fitted.stopped_at}
            scores = self._scores(trial, imputed, types)
            with whole_folder(folder) as partial:
                write_columns(partial / "values.zarr", imputed.values, trial.fold.targets)
                scores.to_parquet(partial / "scores.parquet", index=False)
                if (attended := fitted.attention()) is not None:
                    pd.DataFrame({"entropy": entropy(attended.weights)}).to_parquet(partial / "entropy.parquet")
                if imputed.doubt is not None:
                    pd.DataFrame({"doubt": imputed.doubt}).to_parquet(partial / "doubt.parquet")
                write_json(partial / "facts.json", facts)
        else:
            self.done += 1
        return _read(folder)

    def _scores(self, trial: Trial, imputed: Imputed, types: NDArray[np.object_] | None) -> pd.DataFrame:
        known = None if types is None else list(types[trial.seen.rows])
        levels = trial_levels(trial, known)
        tables = [_score(self.opened.run.method, imputed, trial, levels)]
        for name in COMPARATORS[self.opened.track]:
            card = registry.cards().get(name)
            if card is None or name == self.opened.run.method:
                continue
            self.job.stage(f"comparing with {card.title}, fold {trial.number + 1}")
            quiet, config = self.quiet(f"{trial.fold.name}-{name}"), card.config()
            tables.append(_score(name, _impute(name, trial, config, quiet), trial, levels))
        return pd.concat(tables, ignore_index=True)


def in_tissue_units(imputed: Imputed, view: FoldView) -> Imputed:
    """Brought to the tissue's log counts, so that maps can stand beside measurements: one factor for all genes, from
    the input genes (see `scale_of`). What has an order only stays as it is."""
    factor = scale_of(imputed, view).factor
    if not factor:
        return imputed
    return replace(imputed, values=imputed.values * np.float32(factor), units="tissue")


def _impute(name: str, trial: Trial, config: Config, quiet: Quiet) -> Imputed:
    imputer = cast(Imputer, registry.method(name))
    imputed = imputer.fit(trial.view, config, quiet).impute(trial.fold.targets, quiet)
    check_imputed(imputed, trial, registry.card(name).title)
    return imputed


def _score(name: str, imputed: Imputed, trial: Trial, levels: Sequence[Level]) -> pd.DataFrame:
    return score_trial(trial, imputed, levels).assign(method=name, fold=trial.fold.name)


def _read(folder: Path) -> Scored:
    facts = read_json(folder / "facts.json")
    values, _ = read_columns(folder / "values.zarr")
    scores = pd.read_parquet(folder / "scores.parquet")
    unsure, doubt = (_column(folder, name) for name in ("entropy", "doubt"))
    return Scored(values, facts["units"], scores, unsure, doubt, facts["seconds"], facts["ended_at"])


def _column(folder: Path, name: str) -> NDArray[np.float64] | None:
    path = folder / f"{name}.parquet"
    return pd.read_parquet(path)[name].to_numpy(dtype=np.float64) if path.exists() else None
