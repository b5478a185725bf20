"""Job handler: complete a tissue's panel, score that on genes that were hidden, and say which genes may be shown.

Five fits hide a fifth of the shared genes each; a final fit reads them all and imputes genes that the panel lacks. Each
fold is a checkpointed step: its values and scores are kept as it ends, so that a killed job goes on where it was.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.errors import UserError
from backend.evaluation.genes.folds import gene_folds
from backend.evaluation.genes.levels import Level, levels_of
from backend.evaluation.genes.regions import rotation_of
from backend.evaluation.genes.source import GenePair, Seen, cut_view
from backend.evaluation.genes.tracks import Trial, make_trial
from backend.evaluation.imputed import artefacts
from backend.evaluation.imputed.beyond_panel import FINAL, BeyondPanel, impute_beyond
from backend.evaluation.imputed.fits import ImputerFits, Scored
from backend.evaluation.imputed.held_out import put_together
from backend.evaluation.imputed.opened import OpenedImputation, off_panel, open_imputation
from backend.evaluation.imputed.trust import weigh
from backend.methods.imputation import depths
from backend.records import RunRecord
from backend.training.job import Job

FOLDS, FEWEST_FOLDS = 5, 2


def train(params: dict[str, Any], job: Job) -> dict[str, Any]:
    """params: the fields of a `RunRecord`. Returns the means and the verdict; `stopped_at` if told to stop."""
    started = time.monotonic()
    job.stage("reading the data")
    opened = open_imputation(RunRecord.model_validate(params))
    pair = opened.read()
    missing = off_panel(pair, opened.run.genes) if opened.track == "unmeasured-gene" else ()
    fits = ImputerFits(opened, job, count=FOLDS + bool(missing))
    trials, scored = _score_folds(opened, pair, fits)
    seen = cut_view(pair, pair.shared, missing)
    labels = _labels(opened, pair, seen)
    stopped, beyond = len(trials) < FOLDS, None
    if missing and not stopped:
        beyond, stopped = _beyond(pair, seen, fits)
    job.stage("weighing what may be shown")
    seed = opened.run.seed
    held = put_together(pair, opened.run.method, trials, scored, labels["type"].astype(str), seed)
    trust = weigh(held, beyond, labels["block"], seed)
    whole = np.zeros(pair.tissue.n_cells)
    whole[seen.rows] = depths(seen.view.tissue)
    artefacts.write_held_out(job.result, opened, held)
    artefacts.write_cells(job.result, labels, {**held.depth, FINAL: whole})
    artefacts.write_trust(job.result, trust, [held.relatives, *([beyond.relatives] if beyond else [])])
    facts = {
        "seconds": round(time.monotonic() - started, 1),
        "fit_seconds": round(sum(found.seconds for found in scored), 1),
        "device": job.device,
        "threads": job.threads,
        "stopped": stopped,
        "folds": len(trials),
        "units": held.units,
        "track": opened.track,
        "warnings": [
            f"The training without the genes of fold {trial.number + 1} gave up at step {found.ended_at:,}: its losses "
            "were no numbers any more. Its last state before that was used."
            for trial, found in zip(trials, scored, strict=True)
            if found.ended_at is not None
        ],
    }
    brief = artefacts.write_scores(job.result, opened, [found.scores for found in scored], trust, facts)
    return brief | ({"stopped_at": fits.step} if stopped else {})


def _score_folds(opened: OpenedImputation, pair: GenePair, fits: ImputerFits) -> tuple[list[Trial], list[Scored]]:
    """The folds that are complete: fewer than five where the job was told to stop."""
    types = opened.types()
    trials: list[Trial] = []
    scored: list[Scored] = []
    for number, fold in enumerate(gene_folds(pair.shared, FOLDS)):
        trial = make_trial(opened.track, pair, number, fold)
        found = None if len(trials) >= FEWEST_FOLDS and fits.job.should_stop() else fits.score(trial, types)
        if found is None:
            break
        trials.append(trial)
        scored.append(found)
    if len(trials) < FEWEST_FOLDS:
        raise UserError(
            "It was stopped before there was anything to keep.",
            f"{len(trials)} of {FOLDS} folds are complete, and {FEWEST_FOLDS} are needed to say how good it is.",
            "Start it again: complete folds are not done twice.",
        )
    return trials, scored


def _beyond(pair: GenePair, seen: Seen, fits: ImputerFits) -> tuple[BeyondPanel | None, bool]:
    """(what was imputed off the panel, whether the job was told to stop)."""
    if fits.job.should_stop():
        return None, True
    found = impute_beyond(pair, seen, fits)
    if found is None:
        return None, True
    beyond, fitted, whole = found
    folder = fits.job.result / "fits" / FINAL
    folder.mkdir(parents=True)
    fitted.save(folder)
    return beyond, not whole


def _labels(opened: OpenedImputation, pair: GenePair, seen: Seen) -> dict[str, NDArray[Any]]:
    """Of every tissue cell: type (its own name, or a group of similar expression), niche, and spatial block. "" where
    the cell has no count of the shared genes."""
    types, n = opened.types(), pair.tissue.n_cells
    levels = {
        level.name: level for level in levels_of(seen.view.tissue, None if types is None else list(types[seen.rows]))
    }
    assert pair.tissue.coordinates is not None
    found = {name: _of(levels[name], seen.rows, n) for name in ("type", "niche")}
    if types is not None:
        found["type"] = types
    return {**found, "block": rotation_of(pair.tissue.coordinates, pair.tissue.section)}


def _of(level: Level, rows: NDArray[np.intp], n_cells: int) -> NDArray[np.object_]:
    assert level.mean is not None
    names = np.full(n_cells, "", dtype=object)
    names[rows] = [f"group {group + 1}" for group in level.mean.tocsc().indices]
    return names
