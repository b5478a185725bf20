"""Cell types of a study's data sets: worked out, brought, edited, and read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from backend.api._datasets import dataset
from backend.api._history import change
from backend.errors import NotFound, UserError
from backend.jobs import submit
from backend.records import DatasetRecord, JobState, JobStatus, StudyRecord
from backend.store import index, layout, matrix

COLUMN = "column"  # types as the data name them
Annotation = Literal["transfer", "leiden"]


@dataclass(frozen=True)
class CellTypes:
    """table: cell, type, probability (NaN where nothing was estimated). source: where the types come from, in a
    sentence. job_id: the job that still works them out, or None."""

    table: pd.DataFrame
    source: str
    job_id: str | None = None


def default_types(part: DatasetRecord, reference: DatasetRecord, orthologues: str | None) -> str:
    """`"column"`, or the id of the job that works the types out: from the reference where it names some."""
    if part.has_types:
        return COLUMN
    how: Annotation = "transfer" if part.id != reference.id and reference.has_types else "leiden"
    return _annotation(part, reference, how, orthologues).id


def inherited_types(part: DatasetRecord, source: str) -> str:
    """The types of another version of the same data set, cell by cell."""
    if source == COLUMN:
        return COLUMN
    return submit.submit("annotate", {"dataset": part.id, "how": "inherit", "base": source}).id


def _annotation(part: DatasetRecord, reference: DatasetRecord, how: Annotation, orthologues: str | None) -> JobStatus:
    params: dict[str, Any] = {"dataset": part.id, "how": how}
    if how == "transfer":
        params["reference"] = reference.id
        if orthologues and part.species != reference.species:
            params["orthologues"] = orthologues
    return submit.submit("annotate", params)


def annotate(study_id: str, dataset_id: str, how: Annotation) -> JobStatus:
    """Work the types of one of the study's data sets out, and use them from now on."""
    record, part = _part(study_id, dataset_id)
    reference = dataset(record.reference)
    if how == "transfer" and (dataset_id == reference.id or not reference.has_types):
        raise UserError(
            "Types cannot be transferred from this reference.",
            "It names none." if not reference.has_types else "It is the reference itself.",
            "Group the cells by expression (Leiden) instead.",
        )
    job = _annotation(part, reference, how, record.orthologues)
    use_types(study_id, dataset_id, job.id, f"naming the cells of {part.name}")
    return job


def use_types(study_id: str, dataset_id: str, source: str, did: str) -> StudyRecord:
    """Use these types for a data set of the study from now on. `undo` takes it back."""
    return change(study_id, did, lambda old: {"types": {**old.types, dataset_id: source}})


def _part(study_id: str, dataset_id: str) -> tuple[StudyRecord, DatasetRecord]:
    record = index.get(StudyRecord, study_id)
    if dataset_id not in record.parts:
        raise NotFound(f"{dataset_id!r} is not part of {record.name!r}.", mend="Choose one of its data sets.")
    return record, dataset(dataset_id)


def cell_types(study_id: str, dataset_id: str) -> CellTypes:
    """The types in use for a data set of the study, and the sentence that says where they come from."""
    source = index.get(StudyRecord, study_id).types.get(dataset_id)
    if source is None:
        raise NotFound(f"{dataset_id!r} has no types in this study.", mend="Choose one of its data sets.")
    if source == COLUMN:
        column = dataset(dataset_id).columns.get("type", "type")
        table = matrix.obs(dataset_id, ["type"]).reset_index().assign(probability=float("nan"))
        return CellTypes(table, f"Types as the data name them (column {column!r}).")
    job = index.get(JobStatus, source)
    if job.state != JobState.SUCCEEDED:
        empty = pd.DataFrame({"cell": [], "type": [], "probability": []})
        words = f"The types are being worked out ({job.state.value})."
        if job.state.finished:
            words = f"The types could not be worked out: {(job.error or {}).get('what', job.state.value)}"
        return CellTypes(empty, words, job.id)
    table = pd.read_parquet(layout.result_folder(source) / "types.parquet")
    return CellTypes(table, str(job.result["source"]))
