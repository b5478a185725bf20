"""What to measure next: started here, read here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from backend.api._datasets import dataset
from backend.api._studies import study
from backend.errors import NotFound, UserError
from backend.jobs import submit
from backend.records import JobStatus, StudyRecord
from backend.store import index, keys, layout

FEWEST, MOST = 5, 100
VERSION = 1  # of `backend.analysis.imputation.next_panel_job`: raised whenever its numbers change


@dataclass(frozen=True)
class NextPanel:
    """genes: one row per proposed gene, the first first: rank, gene, gain (how much of the other unmeasured genes it
    explains beyond those before it, in genes), cumulative, open (share of its own variance that the panel leaves open),
    detection_reference, nearest (the panel gene most like it), nearest_r, helps (genes, comma-separated).
    tests: one row per half of the panel, choice ("rule", "most variable", "random"), draw and gene that stayed hidden:
    base (held-out r from the half alone), gain (what the added genes did to it). Empty where it could not be tested.
    facts: count, proposed_from, shared, seed, tested, why_not, added, halves, draws, base, and against: choice -> rule,
    other, difference, genes, p."""

    genes: pd.DataFrame
    tests: pd.DataFrame
    facts: dict[str, Any]


def start_next_panel(study_id: str, count: int = 40, seed: int = 0) -> JobStatus:
    """Choose `count` genes that the study's tissue should be measured for next, and test the rule on its own genes, as
    a job."""
    if not FEWEST <= count <= MOST:
        raise UserError(f"A list of {count} genes cannot be made.", mend=f"Ask for {FEWEST} to {MOST}.")
    return submit.submit("next-panel", _params(study(study_id), count, seed))


def find_next_panel(study_id: str, count: int = 40, seed: int = 0) -> JobStatus | None:
    """The job that `start_next_panel` would start, if it was started."""
    return index.find(JobStatus, keys.job_id("next-panel", _params(study(study_id), count, seed)))


def next_panel(job_id: str) -> NextPanel:
    """Raises `NotFound` for a job of another kind, `UserError` where there is no result yet."""
    job, folder = index.get(JobStatus, job_id), layout.result_folder(job_id)
    if job.kind != "next-panel":
        raise NotFound(f"{job_id} proposes no genes; it is a {job.kind}.", mend="Name a next-panel job.")
    if not folder.exists():
        raise UserError(f"{job_id} has no result yet.", f"It is {job.state.value}.", "Wait for it, or start it again.")
    tested = folder / "tests.parquet"
    tests = pd.read_parquet(tested) if tested.exists() else pd.DataFrame()
    return NextPanel(pd.read_parquet(folder / "genes.parquet"), tests, job.result)


def _params(chosen: StudyRecord, count: int, seed: int) -> dict[str, Any]:
    params: dict[str, Any] = {
        "version": VERSION,
        "tissue": chosen.tissue,
        "reference": chosen.reference,
        "count": count,
        "seed": seed,
    }
    if chosen.orthologues and dataset(chosen.tissue).species != dataset(chosen.reference).species:
        params["orthologues"] = chosen.orthologues
    return params
