"""Runs: what a method would do, starting it, and how it went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from backend.api._datasets import dataset
from backend.api._studies import study, use_quick_look
from backend.api._versions import start_version
from backend.errors import NotFound, UserError
from backend.jobs import submit
from backend.jobs.metrics import COLUMNS, metrics
from backend.methods import registry
from backend.methods.contract import MethodCard, Track
from backend.methods.scxm.verdict import Reading
from backend.records import Area, JobState, JobStatus, Preflight, Recipe, RunRecord, StudyRecord
from backend.store import index, keys, layout

MAX_SEED = 2**31 - 1
SPLITS: Mapping[Track, str] = {"unmeasured-gene": "genes", "unseen-region": "blocks"}


def cards() -> dict[str, MethodCard]:
    """Every method that can be trained, by name."""
    return registry.cards()


def preset(method: str, name: str) -> dict[str, Any]:
    """The settings of a preset that differ from the defaults."""
    presets = registry.card(method).presets
    if name not in presets:
        raise NotFound(f"{method} has no preset {name!r}.", mend=f"Choose one of {', '.join(map(repr, presets))}.")
    return dict(presets[name])


def preflight(
    study_id: str, method: str, config: dict[str, Any], quick: bool = False, track: Track | None = None
) -> Preflight:
    """What one is told before a launch: genes, what is dropped, memory, minutes, device, split. Refuses what cannot
    work. quick: on the study's quick-look region instead of the whole tissue. track: of an imputation; None: its
    usual one."""
    # Both bring scipy's trees along; most calls never need them.
    chosen, full = study(study_id), registry.config_from(method, config)
    data = chosen.quick_data if quick else chosen.data
    if not is_imputer(method):
        from backend.evaluation.preflight import look_ahead

        return look_ahead(method, full, *data)
    from backend.evaluation.imputed.preflight import look_ahead as look_into_cells

    tissue, reference, _, orthologues = data
    return look_into_cells(method, full, tissue, reference, orthologues, _track(method, track))


def start_run(
    study_id: str,
    method: str,
    config: dict[str, Any],
    seed: int = 0,
    *,
    quick: bool = False,
    track: Track | None = None,
    genes: tuple[str, ...] = (),
) -> RunRecord:
    """The run of exactly this work. One that was trained opens at once, one under way is joined, another is queued.

    A run's id is a hash of method, version, whole config, the data's fingerprints, a table of orthologues if one was
    given, split and seed: never of names. quick: on the study's quick-look region instead of the whole tissue. Of an
    imputation, which knows no validation tissue: track, None for its usual one; genes, off the panel, that are wanted
    even where not all can be imputed."""
    if not 0 <= seed <= MAX_SEED:
        raise UserError(f"{seed} cannot be a seed.", mend=f"Choose a whole number from 0 to {MAX_SEED}.")
    chosen, full = study(study_id), registry.config_from(method, config)
    tissue, reference, validation, orthologues = chosen.quick_data if quick else chosen.data
    imputes = is_imputer(method)
    work: dict[str, Any] = {
        "method": method,
        "version": registry.card(method).version,
        "config": full.model_dump(mode="json"),
        "split": SPLITS[_track(method, track)] if imputes else "validation" if validation else "halves",
        "seed": seed,
    }
    work |= {"orthologues": orthologues} if orthologues else {}
    work |= {"genes": sorted(set(genes))} if imputes and genes else {}
    validation = None if imputes else validation
    prints = [dataset(part).fingerprint if part else None for part in (tissue, reference, validation)]
    record = RunRecord(
        id=keys.job_id(method, {**work, "data": prints}),
        tissue=tissue,
        reference=reference,
        validation=validation,
        **work,
    )
    if not is_run(record.id):
        preflight(study_id, method, config, quick, track)
    with index.transaction():  # there is no run without its job
        index.add(record)
        submit.submit(method, record.model_dump(mode="json", exclude={"created", "owner"}), job_id=record.id)
        return run(record.id)


def is_imputer(method: str) -> bool:
    """Whether a method completes a panel (its genes are *in* the cell) rather than predicts contexts around it."""
    return registry.card(method).where == "in the cell"


def _track(method: str, asked: Track | None) -> Track:
    card = registry.card(method)
    if asked is not None and asked not in card.tracks:
        raise UserError(f"{card.title} cannot answer {asked!r}.", mend=f"Choose {' or '.join(card.tracks)}.")
    return asked or card.tracks[0]


def start_quick_look(study_id: str, area: Area) -> JobStatus:
    """Cut a region out of the study's tissue, as a job. The training on it begins by `continue_quick_look`."""
    job = start_version(study(study_id).tissue, Recipe(regions=(area,)))
    index.update(StudyRecord, study_id, lambda old: old.model_copy(update={"region_job": job.id}))
    return job


def continue_quick_look(study_id: str, method: str = "scxm") -> RunRecord | None:
    """Train on the region once it is cut out, whichever page sees that first; None while it is not, or cannot be."""
    waiting = study(study_id).region_job
    job = index.find(JobStatus, waiting) if waiting else None
    if job is not None and not job.state.finished:
        return None
    index.update(StudyRecord, study_id, lambda old: old.model_copy(update={"region_job": None}))
    if job is None or job.state is not JobState.SUCCEEDED or job.params["dataset"] != study(study_id).tissue:
        return None  # failed, or of a tissue that was changed meanwhile
    use_quick_look(study_id, str(job.result["dataset"]))
    return start_run(study_id, method, preset(method, "Quick look"), quick=True)


def runs(study_id: str | None = None) -> list[RunRecord]:
    """All runs, or those on a study's data and its quick look's, oldest first. Two studies of the same data share
    their runs."""
    found = index.list_all(RunRecord)
    if study_id is None:
        return found
    chosen = study(study_id)
    return [run for run in found if of_study(run, chosen)]


def of_study(run: RunRecord, study: StudyRecord) -> bool:
    """Whether a run is on a study's data, or on its quick look's. An imputation knows no validation tissue."""
    known = [study.data, study.quick_data]
    if run.split in SPLITS.values():
        known = [(tissue, reference, None, orthologues) for tissue, reference, _, orthologues in known]
    return run.data in known


@dataclass(frozen=True)
class Verdict:
    """How a training does. state: "waiting", "healthy", "watch" or "stop"; text: the same in a sentence; readings: the
    numbers behind it, in words."""

    state: Literal["waiting", "healthy", "watch", "stop"]
    text: str
    readings: tuple[Reading, ...] = ()


def run_verdict(run_id: str) -> Verdict:
    """A training's health, from the last numbers that it reported."""
    table, method = run_metrics(run_id), index.get(JobStatus, run_id).kind
    if not registry.judges(method):  # its losses do not tell; what diverges keeps its last finite state and says so
        words = "How good it is, only cells that it does not learn from tell, at the end."
        if is_imputer(method):
            words = "How good it is, only the hidden genes tell, once a fold is done."
        return Verdict("waiting" if table.empty else "healthy", words)
    early = table.columns.intersection(["decoder", "pretraining"])  # what comes before the training itself says nothing
    told = table.columns.difference([*COLUMNS, *early])
    judged = table[table[early].isna().all(axis=1)].dropna(how="all", subset=told)
    if judged.empty or "spread" not in judged:
        return Verdict("waiting", "Too early to judge.")
    last = judged.iloc[-1][told]
    found = {str(name): float(value) for name, value in last.items()}
    state, text = registry.verdict(method, found)
    grade: Literal["healthy", "stop", "watch"] = "healthy" if state == "healthy" else "watch"
    return Verdict("stop" if state == "diverged" else grade, text, registry.readings(method, found))


def run(run_id: str) -> RunRecord:
    return index.get(RunRecord, run_id)


def is_run(job_id: str) -> bool:
    return index.find(RunRecord, job_id) is not None


def run_metrics(run_id: str) -> pd.DataFrame:
    """One row per report of the training: time, attempt, fit, step, steps, and the method's own losses."""
    return metrics(index.get(JobStatus, run_id).id)


def predict(run_id: str, dataset_id: str) -> JobStatus:
    """Apply a trained model to another data set, as a job. Genes are aligned by name. An imputation has none to give:
    it is fitted on the tissue that it completes."""
    if is_imputer(run(run_id).method):
        raise UserError(
            f"The run {run_id} cannot be applied to other data.",
            "It was fitted on the tissue whose genes it imputes.",
            "Make a study of the other tissue and start the method there.",
        )
    return submit.submit("predict", {"run": finished(run_id).id, "dataset": dataset(dataset_id).id})


def finished(run_id: str) -> RunRecord:
    """The run, if it has left a result; raises a `UserError` that says how it stands otherwise."""
    record = run(run_id)
    if not (layout.result_folder(run_id) / "manifest.json").exists():
        state = index.get(JobStatus, run_id).state.value
        raise UserError(f"The run {run_id} has no result yet.", f"It is {state}.", "Wait for it, or start it again.")
    return record
