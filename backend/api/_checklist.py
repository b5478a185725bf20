"""The steps from two files to a trained model, where a study stands among them, and which is next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from backend.api._datasets import dataset
from backend.api._match import find_match
from backend.api._runs import preset, runs
from backend.api._types import COLUMN
from backend.methods import registry
from backend.records import DatasetRecord, JobState, JobStatus, StudyRecord, now
from backend.store import index

StepName = Literal["loaded", "quality", "named", "matched", "quick", "whole"]
METHOD = "scxm"
QUICK_CELLS = 2_500  # of a region: what a model learns from in a few minutes
NAMING_S, MATCHING_S = 10.0, 15.0  # of a start; the rest grows with the cells
SECONDS_PER_CELL = 4e-4
START_MINUTES = 1.0  # reading, starting and writing, on a machine that does other things too


@dataclass(frozen=True)
class Step:
    """name; done; says: what stands, in words; minutes: what the machine will need, None where only a look is needed;
    job: the work under way for it, if any."""

    name: StepName
    done: bool
    says: str
    minutes: float | None = None
    job: str | None = None


def checklist(study_id: str) -> list[Step]:
    """Loaded, quality, named, matched, quick look, whole tissue: in this order; the next step is the first undone."""
    study = index.get(StudyRecord, study_id)
    tissue, reference = dataset(study.tissue), dataset(study.reference)
    loaded = f"{tissue.n_cells:,} tissue cells, {reference.n_cells:,} atlas cells"
    return [
        Step("loaded", True, loaded),
        _quality(study, tissue),
        _named(study, tissue),
        _matched(study, tissue, reference),
        *_trained(study, tissue, reference),
    ]


def settle(study_id: str, step: StepName) -> StudyRecord:
    """The user has looked at a step and is content: it stays ticked until its data or types change."""

    def settled(old: StudyRecord) -> StudyRecord:
        return old.model_copy(update={"done": {**old.done, step: _key(old, step)}, "changed": now()})

    return index.update(StudyRecord, study_id, settled)


def _key(study: StudyRecord, step: StepName) -> str:
    types = study.types.get(study.tissue, "")
    return {"named": f"{study.tissue} {types}", "matched": f"{study.tissue} {study.reference}"}.get(step, study.tissue)


def _content(study: StudyRecord, step: StepName) -> bool:
    return study.done.get(step) == _key(study, step)


def quick_look_cells(tissue: DatasetRecord) -> int:
    """How many cells a quick look takes: all of a small tissue, a region of a larger one."""
    return tissue.n_cells if tissue.n_cells <= 2 * QUICK_CELLS else QUICK_CELLS


def _quality(study: StudyRecord, tissue: DatasetRecord) -> Step:
    record: DatasetRecord | None = tissue
    while record:  # a version of a version: the cut may have been made before the sections
        if record.recipe and (record.recipe.cuts or record.recipe.where):
            left_out = record.left_out[0] if record.left_out else f"{tissue.n_cells:,} cells kept"
            return Step("quality", True, left_out)
        if study.done.get("quality") == record.id:
            return Step("quality", True, "all cells kept, as you decided")
        record = index.find(DatasetRecord, record.parent) if record.parent else None
    return Step("quality", False, "poor cells are still in")


def _named(study: StudyRecord, tissue: DatasetRecord) -> Step:
    source = study.types.get(tissue.id, COLUMN)
    if source == COLUMN:
        return Step("named", True, f"as the file names them ({tissue.columns.get('type', 'type')})")
    job = index.find(JobStatus, source)
    minutes = (NAMING_S + SECONDS_PER_CELL * tissue.n_cells) / 60
    if job is None or job.state is not JobState.SUCCEEDED:
        if job and not job.state.finished:
            return Step("named", False, "being worked out", minutes, job.id)
        return Step("named", False, "no names yet", minutes)
    unsure = float(job.result.get("unsure", 0.0))
    says = f"{job.result.get('types', '?')} types, {unsure:.0%} of the cells unsure"
    return Step("named", _content(study, "named"), says if _content(study, "named") else f"{says}: have a look")


def _matched(study: StudyRecord, tissue: DatasetRecord, reference: DatasetRecord) -> Step:
    job, content = find_match(study.id), _content(study, "matched")
    if job and job.state is JobState.SUCCEEDED:
        says = f"it {job.result['verdict']}: {job.result['counterpart']:.0%} of your cells have a counterpart"
        return Step("matched", content, says if content else f"{says}; have a look")
    if content:
        return Step("matched", True, f"{reference.name}, as you decided")
    if job and not job.state.finished:
        return Step("matched", False, "being matched", job=job.id)
    minutes = (MATCHING_S + SECONDS_PER_CELL * (tissue.n_cells + reference.n_cells)) / 60
    return Step("matched", False, "which of your cells does the atlas know?", minutes)


def _trained(study: StudyRecord, tissue: DatasetRecord, reference: DatasetRecord) -> list[Step]:
    finished, under_way = _runs(study)
    region = dataset(study.quick) if study.quick else None
    quick_cells = region.n_cells if region else quick_look_cells(tissue)
    quick = Step(
        "quick",
        done=bool(finished),
        says=_told(bool(finished), study.quick_data in under_way, f"first answers from {quick_cells:,} cells"),
        minutes=None if finished else _minutes("Quick look", quick_cells, reference.n_cells),
        job=under_way.get(study.quick_data) or study.region_job,
    )
    done = study.data in finished
    whole = Step(
        "whole",
        done=done,
        says=_told(done, study.data in under_way, f"train on all {tissue.n_cells:,} cells"),
        minutes=None if done else _minutes("Standard", tissue.n_cells, reference.n_cells),
        job=under_way.get(study.data) if study.quick else None,
    )
    return [quick, whole]


def _told(done: bool, running: bool, open_: str) -> str:
    return "being trained" if running else ("trained" if done else open_)


def _minutes(preset_name: str, tissue_cells: int, reference_cells: int) -> float:
    config = registry.config_from(METHOD, preset(METHOD, preset_name))
    return registry.card(METHOD).minutes(tissue_cells, reference_cells, config) + START_MINUTES


_Data = tuple[str, str, str | None, str | None]


def _runs(study: StudyRecord) -> tuple[set[_Data], dict[_Data, str]]:
    """What runs that left a result were made from; and what runs under way are made from -> the run."""
    finished: set[_Data] = set()
    under_way: dict[_Data, str] = {}
    for run in runs(study.id):
        job = index.find(JobStatus, run.id)
        if job and job.state in (JobState.SUCCEEDED, JobState.STOPPED):
            finished.add(run.data)
        elif job and not job.state.finished:
            under_way[run.data] = run.id
    return finished, under_way
