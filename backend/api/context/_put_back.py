"""Cells put back in situ: prepared by a job, asked at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.api._analyses import types_in_use
from backend.api._runs import finished
from backend.errors import NotFound, UserError
from backend.jobs import submit
from backend.records import JobState, JobStatus, RunRecord
from backend.store import index, keys, layout, matrix

if TYPE_CHECKING:
    from backend.analysis.put_back.asked import Origins, Placement

SEED = 0


@dataclass(frozen=True)
class PutBack:
    """facts: how places were chosen, medians per way, calibration, verdict and warnings. cells: one row per reported
    hidden cell and way: row, way, guess_um, drawn_um, mass, likelihood, and type where the tissue names types."""

    facts: dict[str, Any]
    cells: pd.DataFrame


@dataclass(frozen=True)
class CellList:
    """rows: of the data set, each once, in its order. unknown: names that it does not have."""

    rows: NDArray[np.intp]
    unknown: tuple[str, ...]


def start_put_back(run_id: str) -> JobStatus:
    """Learn how cells and places fit and test it, as a job: on the validation tissue, or else on the tissue."""
    return submit.submit("put-back", _params(finished(run_id)))


def find_put_back(run_id: str) -> JobStatus | None:
    """The job of the same work, if somebody has started it."""
    return index.find(JobStatus, keys.job_id("put-back", _params(finished(run_id))))


def put_back_tissue(run: RunRecord) -> str:
    """The data set that cells are put on: the one whose cells were predicted by fits that did not see them."""
    return run.validation or run.tissue


def _params(run: RunRecord) -> dict[str, Any]:
    if run.split not in ("halves", "validation"):
        raise UserError(
            "This run imputes genes in cells; it says nothing about where cells come from.",
            mend="Choose a run that predicts what is around cells.",
        )
    dataset_id = put_back_tissue(run)
    try:
        types: str | None = types_in_use(run.id, dataset_id)
    except UserError:
        types = None  # no placement by type to compare with; the job says so
    if types and types != "column" and index.get(JobStatus, types).state is not JobState.SUCCEEDED:
        types = None
    return {"run": run.id, "dataset": dataset_id, "types": types, "seed": SEED}


def put_back(job_id: str) -> PutBack:
    job, folder = _finished(job_id)
    return PutBack(job.result, pd.read_parquet(folder / "trial.parquet"))


def place_cells(job_id: str, rows: Sequence[int] | NDArray[np.integer]) -> Placement:
    """Where these reference cells (by their row) would have stood. At once, whatever their number."""
    from backend.analysis.put_back.asked import place_cells as place

    job, folder = _finished(job_id)
    return place(folder, job.params["dataset"], np.asarray(rows, dtype=np.intp), job.result)


def find_origins(job_id: str, inside: NDArray[np.bool_]) -> Origins:
    """Which reference cells would have stood in a region. inside: per cell of the tissue whether it is in there."""
    from backend.analysis.put_back.asked import find_origins as find

    job, folder = _finished(job_id)
    return find(folder, job.params["dataset"], inside)


def find_cells(dataset_id: str, text: str) -> CellList:
    """Cells by their names, separated by commas, semicolons or line breaks; a table's first column may be given."""
    place = {str(name): row for row, name in enumerate(matrix.obs(dataset_id, []).index)}
    read = _columns(text)
    asked = [part.strip().strip('"') for line in text.splitlines() for part in re.split(r"[,;\t]", line)[:read]]
    asked = list(dict.fromkeys(filter(None, asked)))
    rows = sorted({place[name] for name in asked if name in place})
    return CellList(np.asarray(rows, dtype=np.intp), tuple(name for name in asked if name not in place))


def _columns(text: str) -> int | None:
    """Of a table (several lines with several columns each) only the first column holds names."""
    lines = [line for line in text.splitlines() if line.strip()]
    return 1 if len(lines) > 1 and all(re.search(r"[,;\t]", line) for line in lines) else None


def _finished(job_id: str) -> tuple[JobStatus, Path]:
    job = index.get(JobStatus, job_id)
    if job.kind != "put-back":
        raise NotFound(f"{job_id} is no put-back job but a {job.kind}.", mend="Name a put-back job.")
    folder = layout.result_folder(job_id)
    if not folder.exists():
        raise UserError(f"{job_id} has no result yet.", f"It is {job.state.value}.", "Wait for it, or start it again.")
    return job, folder
