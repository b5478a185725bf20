"""How well an atlas matches a study's tissue, and which of the atlases on this server matches best."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import pandas as pd

from backend.api._datasets import dataset, datasets
from backend.api._types import COLUMN
from backend.api._versions import root_of
from backend.errors import NotFound, UserError
from backend.jobs import submit
from backend.methods import registry
from backend.records import DatasetRecord, JobState, JobStatus, StudyRecord
from backend.store import index, keys, layout

VERSION = 2  # of the match and of the transfer in it: raise it with the numbers
GROUPS = "groups"  # types of a tissue that has no names of its own: groups of similar expression
FEWEST_TYPES = 2
SIZES = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)  # of an atlas
MOST_MINUTES = 30.0


@dataclass(frozen=True)
class MatchResult:
    """facts: verdict, fit, its parts, numbers. cells: cell, type, counterpart, sure, probability of every tissue cell.
    types: of the tissue. atlas_types: of the atlas. genes: of both, those shared."""

    facts: dict[str, Any]
    cells: pd.DataFrame
    types: pd.DataFrame
    atlas_types: pd.DataFrame
    genes: pd.DataFrame


@dataclass(frozen=True)
class Ranked:
    """One atlas. job: its match, None where none was asked for. facts: of a finished match. skipped: why it has none,
    in a sentence; "" where it can be matched."""

    record: DatasetRecord
    job: JobStatus | None
    facts: dict[str, Any] | None
    skipped: str = ""


def start_match(study_id: str, reference_id: str | None = None) -> JobStatus:
    """Match the study's tissue with its atlas, or with another one, as a job."""
    return submit.submit("match", _params(index.get(StudyRecord, study_id), reference_id))


def find_match(study_id: str, reference_id: str | None = None) -> JobStatus | None:
    """The match that `start_match` would start, if it was ever asked for."""
    study = index.get(StudyRecord, study_id)
    if _skipped(study, dataset(reference_id or study.reference)):
        return None
    return index.find(JobStatus, keys.job_id("match", _params(study, reference_id)))


def match(job_id: str) -> MatchResult:
    """Raises `NotFound` for a job of another kind, `UserError` where there is no result yet."""
    job, folder = index.get(JobStatus, job_id), layout.result_folder(job_id)
    if job.kind != "match":
        raise NotFound(f"{job_id} is no match but a {job.kind}.", mend="Name a match job.")
    if not folder.exists():
        raise UserError(f"{job_id} has no result yet.", f"It is {job.state.value}.", "Wait for it, or start it again.")
    tables = (pd.read_parquet(folder / f"{name}.parquet") for name in ("cells", "types", "atlas_types", "genes"))
    return MatchResult(job.result, *tables)


def rank_atlases(study_id: str) -> list[Ranked]:
    """Every atlas on this server that is not put away, the best first; of the versions of one, the newest and the one
    that the study uses. Nothing is started."""
    study = index.get(StudyRecord, study_id)
    ranked = [_ranked(study, record) for record in _atlases(study)]
    return sorted(ranked, key=lambda row: (-(row.facts or {}).get("fit", -1.0), bool(row.skipped), row.record.name))


def why_better(best: Ranked, other: Ranked) -> str:
    """Why the first of two matched atlases is ranked above the second, as a clause; "" where one has no match."""
    from backend.analysis.match_verdict import compare

    return compare(best.facts, other.facts) if best.facts and other.facts else ""


def start_ranking(study_id: str) -> list[JobStatus]:
    """Start every match that the ranking still lacks; those that failed are tried again."""
    rows = [row for row in rank_atlases(study_id) if not row.skipped and not row.facts]
    return [start_match(study_id, row.record.id) for row in rows]


def _params(study: StudyRecord, reference_id: str | None) -> dict[str, Any]:
    tissue, atlas = dataset(study.tissue), dataset(reference_id or study.reference)
    if why := _skipped(study, atlas):
        raise UserError(f"{atlas.name!r} cannot be matched.", why, "Name its types first, or choose another atlas.")
    params: dict[str, Any] = {
        "version": VERSION,
        "tissue": tissue.id,
        "reference": atlas.id,
        "tissue_types": _tissue_types(study),
        "reference_types": COLUMN if atlas.has_types else study.types[atlas.id],
    }
    if study.orthologues and tissue.species != atlas.species:
        params["orthologues"] = study.orthologues
    return params


def _tissue_types(study: StudyRecord) -> str:
    """The names in use, unless they come from an atlas: types that were taken from it would find themselves in it."""
    source = study.types[study.tissue]
    if source == COLUMN:
        return COLUMN
    job = origin = index.get(JobStatus, source)
    while "base" in origin.params and (base := index.find(JobStatus, str(origin.params["base"]))):
        origin = base
    named = origin.params.get("how") != "transfer" and job.state is JobState.SUCCEEDED
    return source if named and int(job.result.get("types", 0)) >= FEWEST_TYPES else GROUPS


def _skipped(study: StudyRecord, atlas: DatasetRecord) -> str:
    """Why an atlas cannot be matched, or ""."""
    source = COLUMN if atlas.has_types else study.types.get(atlas.id)
    if source is None:
        return "It names no cell types."
    if source == COLUMN:
        return ""
    job = index.find(JobStatus, source)
    if job is None or job.state is not JobState.SUCCEEDED:
        return "Its cell types are still being worked out."
    return "" if int(job.result.get("types", 0)) >= FEWEST_TYPES else "It has fewer than two cell types."


def _atlases(study: StudyRecord) -> list[DatasetRecord]:
    newest: dict[str, DatasetRecord] = {}
    for record in datasets():  # oldest first
        if record.role == "reference":
            newest[root_of(record)] = record
    own = dataset(study.reference)
    return [*newest.values(), *([] if own.id in {record.id for record in newest.values()} else [own])]


def _ranked(study: StudyRecord, record: DatasetRecord) -> Ranked:
    why = _skipped(study, record)
    if record.simulated != dataset(study.tissue).simulated and record.id != study.reference:
        why = "It is simulated, and your tissue is not." if record.simulated else "Your tissue is simulated."
    if why:
        return Ranked(record, None, None, why)
    job = find_match(study.id, record.id)
    done = job is not None and job.state is JobState.SUCCEEDED and layout.result_folder(job.id).exists()
    return Ranked(record, job, job.result if job and done else None)


def suggest_atlas_size(study_id: str) -> tuple[int, str]:
    """How many atlas cells this machine trains on in half an hour and half of its memory (SCXM, standard settings), and
    the sentence that says so."""
    study = index.get(StudyRecord, study_id)
    tissue, atlas = dataset(study.tissue), dataset(study.reference)
    method, config = registry.card("scxm"), registry.config_from("scxm", {})
    machine_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    fits = 1 if study.validation else 3

    def needs(cells: int) -> tuple[float, float]:
        memory_gb = method.memory_gb(tissue.n_cells, cells, min(tissue.n_genes, atlas.n_genes), config)
        return fits * method.minutes(tissue.n_cells, cells, config), memory_gb

    good = [n for n in SIZES if needs(n)[0] <= MOST_MINUTES and needs(n)[1] <= machine_gb / 2]
    size = max(good, default=SIZES[0])
    minutes, memory = needs(size)
    words = f"about {minutes:.0f} min and {memory:.1f} of this machine's {machine_gb:.0f} GB"
    return size, f"{size:,} cells train in {words}."
