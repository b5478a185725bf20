"""Job handler: train a method of contexts, score it beside the comparators, and write what the pages show.

With a validation tissue one fit on tissue and reference is scored on it. Without one, two fits on halves of the tissue
are scored on the other half, and a final fit on everything makes what is shown. A run that is told to stop keeps what
it has: the first fit is then both scored and shown, however far it came.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.datasets.paired import Pair
from backend.errors import UserError
from backend.evaluation import artefacts
from backend.evaluation.context.scored import block_interval, draws_of_blocks, moran_of
from backend.evaluation.context_track import THREADS, make_task, measure_to_score, run_comparators, score_method
from backend.evaluation.fits import Fits
from backend.evaluation.opened import OpenedRun, open_run
from backend.evaluation.scores import split_half_ceiling
from backend.evaluation.splits import halves
from backend.methods import registry
from backend.methods.contract import Cells, Fitted, Floats, PairedData
from backend.records import RunRecord
from backend.training.device import repeatable
from backend.training.job import Job

FINAL = "final"


@dataclass(frozen=True)
class Trial:
    """One fit that is scored. test: over the input genes; rows: of the tissue, where the test cells are its own."""

    name: str
    words: str
    data: PairedData
    test: Cells
    rows: NDArray[np.intp] | None = None


@dataclass
class Findings:
    """What the trials have shown so far. held_out: the tissue's cells as predicted by fits that did not see them."""

    tables: list[pd.DataFrame] = field(default_factory=list)
    ceilings: list[float] = field(default_factory=list)
    draws: dict[str, list[NDArray[np.float32]]] = field(default_factory=dict)
    predictions: dict[str, Floats] = field(default_factory=dict)
    first: Fitted | None = None
    stopped: bool = False


def train(params: dict[str, Any], job: Job) -> dict[str, Any]:
    """params: the fields of a `RunRecord`. Returns the medians and the verdict; `stopped_at` if told to stop."""
    started = time.monotonic()
    job.stage("reading the data")
    opened = open_run(RunRecord.model_validate(params))
    pair = opened.read()
    trials = plan_trials(opened, pair)
    shares_final = opened.run.split == "validation"
    fits = Fits(
        registry.method(opened.run.method),
        opened.config,
        opened.run.seed,
        job,
        count=len(trials) + (not shares_final),
    )
    findings = Findings()
    for trial in trials:
        if findings.stopped or (findings.first and job.should_stop()):
            findings.stopped = True
            break
        judge(trial, opened, fits, findings)
    shown = findings.first if shares_final else _final(pair.data, fits, findings)
    assert shown is not None
    job.stage("predicting")
    artefacts.write_models(job.result, opened, shown)
    validated = findings.predictions.get(FINAL)
    artefacts.write_predictions(job.result, opened, pair, shown, fits.quiet(FINAL), validated)
    artefacts.write_held_out(job.result, opened, pair, findings.predictions, trials)
    seconds = round(time.monotonic() - started, 1)
    facts = {"seconds": seconds, "device": job.device, "threads": job.threads, "stopped": findings.stopped}
    facts["block_intervals"] = {name: block_interval(drawn) for name, drawn in findings.draws.items()}
    brief = artefacts.write_scores(job.result, opened, findings.tables, findings.ceilings, facts)
    return brief | ({"stopped_at": fits.step} if findings.stopped else {})


def plan_trials(opened: OpenedRun, pair: Pair) -> list[Trial]:
    """Which fits are scored on which cells. Raises `UserError` where the tissue is too small to be halved."""
    if opened.run.split == "validation":
        assert pair.validation is not None
        return [Trial(FINAL, "on tissue and reference", pair.data, pair.validation)]
    tissue = pair.data.tissue
    assert tissue.coordinates is not None
    return [
        Trial(
            fold.name,
            fold.words,
            replace(pair.data, tissue=tissue.of_rows(fold.train)),
            tissue.of_rows(fold.test),
            fold.test,
        )
        for fold in halves(tissue.coordinates, tissue.section, opened.sigma_um)
    ]


def judge(trial: Trial, opened: OpenedRun, fits: Fits, findings: Findings) -> None:
    """Fit, predict the trial's test cells, score the prediction and every comparator's."""
    fits.job.stage(f"training {trial.words}")
    fitted = fits.fit(trial.name, trial.data)
    if fitted.stopped_at is not None:
        findings.stopped = True
        if findings.first is not None:  # an earlier one is complete: scores of unlike fits are not mixed
            return
    findings.first = findings.first or fitted
    predicted = fitted.predict(trial.test, fits.quiet(trial.name))
    findings.predictions[trial.name] = predicted.values
    panel = trial.data.panel_genes
    fits.job.stage("comparing with simple methods")
    test = trial.test.of_genes(panel)
    truth = measure_to_score(test, opened.sigma_um)
    tables: list[pd.DataFrame] = []

    def score(name: str, values: Floats) -> None:
        tables.append(score_method(name, values, truth, panel))
        drawn = findings.draws.setdefault(name, [])
        drawn.append(draws_of_blocks(truth, values, test, opened.run.seed + len(drawn)))

    score(opened.run.method, predicted.values)
    with repeatable(opened.run.seed, THREADS):
        task = make_task(trial.data.tissue.of_genes(panel), test, panel, opened.sigma_um, opened.run.seed)
        for name, values in run_comparators(task, lambda name: fits.job.stage(f"comparing with {name}")):
            score(name, values)
    table = pd.concat(tables, ignore_index=True).assign(fold=trial.name)
    findings.tables.append(table.assign(moran=table.gene.map(moran_of(truth, test))))
    ceiling = split_half_ceiling(test, opened.sigma_um, opened.run.seed)
    findings.ceilings += [ceiling] if ceiling is not None else []


def _final(data: PairedData, fits: Fits, findings: Findings) -> Fitted | None:
    """The fit on everything; the first scored one where the job was told to stop before this one was complete."""
    if findings.stopped or fits.job.should_stop():
        findings.stopped = True
        return findings.first
    fits.job.stage("training on the whole tissue, for what is shown")
    try:
        final = fits.fit(FINAL, data)
    except UserError:
        if not fits.job.should_stop():
            raise
        findings.stopped = True  # stopped before this fit had anything to keep
        return findings.first
    if final.stopped_at is not None:
        findings.stopped = True
        return findings.first
    return final
