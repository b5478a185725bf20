"""Studies: a tissue, a reference, perhaps a validation tissue, and the cell types in use."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from backend.api._checks import check_name, check_path, one_of
from backend.api._datasets import dataset
from backend.datasets.orthologues import keep_table
from backend.datasets.paired import plan_genes
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


def create_study(
    name: str,
    tissue: str,
    reference: str,
    validation: str | None = None,
    orthologues: Path | None = None,
    *,
    trusted: bool = False,
) -> StudyRecord:
    """Put data sets together. Refuses roles that do not fit and data that share too few genes (orthologues count where
    species differ); starts the annotation of data sets that name no types.

    orthologues: a table of human and mouse symbols to use instead of the one that comes with Resitu."""
    parts = _parts(tissue, reference, validation)
    table = _keep_orthologues(orthologues, parts, trusted)
    plan_genes(parts[0], parts[1], parts[2] if validation else None, table)  # refuses what shares too few genes
    with index.transaction():  # nobody takes the name, or deletes a part, meanwhile
        parts = _parts(tissue, reference, validation)
        record = StudyRecord(
            id=f"s-{uuid.uuid4().hex[:12]}",
            name=check_name(name, (other.name for other in studies(archived=True))),
            tissue=tissue,
            reference=reference,
            validation=validation,
            types={part.id: _types_of(part, parts[1], table) for part in parts},
            orthologues=table,
            simulated=any(part.simulated for part in parts),
        )
        index.put(record)
        return record


def _parts(tissue: str, reference: str, validation: str | None) -> list[DatasetRecord]:
    """Tissue, reference and, if named, validation, each in a role that fits."""
    fits = {"tissue": ("tissue", "validation"), "reference": ("reference",), "validation": ("validation", "tissue")}
    wanted = {"tissue": tissue, "reference": reference, "validation": validation}
    parts = {role: dataset(chosen) for role, chosen in wanted.items() if chosen is not None}
    for role, part in parts.items():
        if part.role not in fits[role]:
            raise UserError(
                f"{part.name!r} cannot be the {role} of a study.",
                f"It was added as a {part.role}.",
                f"Choose another data set, or add the file again as a {role}.",
            )
    if validation == tissue:
        raise UserError(
            "The validation tissue is the tissue itself.",
            "A score on the cells that were trained on says nothing.",
            "Leave the validation out: the tissue is then scored on two halves.",
        )
    return list(parts.values())


def _keep_orthologues(path: Path | None, parts: list[DatasetRecord], trusted: bool) -> str | None:
    if path is None:
        return None
    species = {part.species for part in parts}
    if len(species) == 1:
        raise UserError(
            "A table of orthologues is of no use here.",
            f"All of these data sets are {species.pop()}.",
            "Leave it out; or add a data set again with --species, if its species was not read rightly.",
        )
    return keep_table(check_path(path, trusted))


def _types_of(part: DatasetRecord, reference: DatasetRecord, orthologues: str | None) -> str:
    """`"column"`, or the id of the job that works the types out: from the reference where it names some."""
    if part.has_types:
        return COLUMN
    how: Annotation = "transfer" if part.id != reference.id and reference.has_types else "leiden"
    return _annotation(part, reference, how, orthologues).id


def _annotation(part: DatasetRecord, reference: DatasetRecord, how: Annotation, orthologues: str | None) -> JobStatus:
    params: dict[str, Any] = {"dataset": part.id, "how": how}
    if how == "transfer":
        params["reference"] = reference.id
        if orthologues and part.species != reference.species:
            params["orthologues"] = orthologues
    return submit.submit("annotate", params)


def annotate(study_id: str, dataset_id: str, how: Annotation) -> JobStatus:
    """Work the types of one of the study's data sets out, and use them from now on."""
    record = study(study_id)
    if dataset_id not in (record.tissue, record.reference, record.validation):
        raise NotFound(f"{dataset_id!r} is not part of {record.name!r}.", mend="Choose one of its data sets.")
    reference = dataset(record.reference)
    if how == "transfer" and (dataset_id == reference.id or not reference.has_types):
        raise UserError(
            "Types cannot be transferred from this reference.",
            "It names none." if not reference.has_types else "It is the reference itself.",
            "Group the cells by expression (Leiden) instead.",
        )
    job = _annotation(dataset(dataset_id), reference, how, record.orthologues)
    index.update(StudyRecord, study_id, lambda old: old.model_copy(update={"types": {**old.types, dataset_id: job.id}}))
    return job


def cell_types(study_id: str, dataset_id: str) -> CellTypes:
    """The types in use for a data set of the study, and the sentence that says where they come from."""
    source = study(study_id).types.get(dataset_id)
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


def studies(archived: bool = False) -> list[StudyRecord]:
    """All studies, oldest first; with `archived`, those put away too."""
    return [record for record in index.list_all(StudyRecord) if archived or not record.archived]


def study(study_id: str) -> StudyRecord:
    return index.get(StudyRecord, study_id)


def find_study(text: str) -> StudyRecord:
    """By id, or by a name that only one has."""
    return one_of(index.list_all(StudyRecord), text, "study", "studies list")


def rename_study(study_id: str, name: str) -> StudyRecord:
    clean = check_name(name, (other.name for other in studies(archived=True) if other.id != study_id))
    return index.update(StudyRecord, study_id, lambda record: record.model_copy(update={"name": clean}))


def archive_study(study_id: str, archived: bool = True) -> StudyRecord:
    return index.update(StudyRecord, study_id, lambda record: record.model_copy(update={"archived": archived}))


def delete_study(study_id: str) -> None:
    """For good. Its data sets and runs stay: they belong to the data, and may belong to other studies."""
    index.delete(StudyRecord, study(study_id).id)
