"""Studies: a tissue, a reference, perhaps a validation tissue, and the cell types in use."""

from __future__ import annotations

import uuid
from pathlib import Path

from backend.api._checks import check_name, check_path, one_of
from backend.api._datasets import dataset
from backend.api._history import change
from backend.api._types import COLUMN, default_types, inherited_types
from backend.api._versions import root_of
from backend.datasets.orthologues import keep_table
from backend.datasets.paired import plan_genes
from backend.errors import UserError
from backend.records import DatasetRecord, Role, StudyRecord, now
from backend.store import index


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
            types={part.id: default_types(part, parts[1], table) for part in parts},
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


def use_dataset(study_id: str, role: Role, dataset_id: str, did: str | None = None) -> StudyRecord:
    """Put another data set, often a version of the same, in a role of the study. Cell types go along with versions;
    runs stay with the data that they were made from. `undo` takes it back.

    did: the change in words, for the list of changes."""
    record, new = study(study_id), dataset(dataset_id)
    ids = {"tissue": record.tissue, "reference": record.reference, "validation": record.validation, role: new.id}
    parts = _parts(str(ids["tissue"]), str(ids["reference"]), ids["validation"])
    plan_genes(parts[0], parts[1], parts[2] if ids["validation"] else None, record.orthologues)
    source = record.types.get(new.id) or _types_of_version(record, getattr(record, role), new)
    source = source or default_types(new, parts[1], record.orthologues, record.types.get(parts[1].id, COLUMN))

    def fields(old: StudyRecord) -> dict[str, object]:
        moved = role == "tissue" and new.id != old.tissue
        return {role: new.id, "types": {**old.types, new.id: source}} | ({"quick": None} if moved else {})

    return change(study_id, did or f"{new.name} as {role}", fields)


def _types_of_version(record: StudyRecord, old_id: str | None, new: DatasetRecord) -> str | None:
    """The types that a version takes over from the one before it; None where the two are not of one data set."""
    if old_id is None or root_of(dataset(old_id)) != root_of(new):
        return None
    source = record.types[old_id]
    return None if source == COLUMN and not new.has_types else inherited_types(new, source)


def use_quick_look(study_id: str, dataset_id: str) -> StudyRecord:
    """Take first answers from this region of the tissue: one of its versions. `undo` takes it back."""
    record, region = study(study_id), dataset(dataset_id)
    if root_of(region) != root_of(dataset(record.tissue)):
        raise UserError(
            f"{region.name!r} is no region of this study's tissue.", mend="Draw the region on the map of the tissue."
        )
    source = inherited_types(region, record.types[record.tissue])
    return change(
        study_id, f"quick look on {region.name}",
        lambda old: {"quick": region.id, "types": {**old.types, region.id: source}},
    )  # fmt: skip


def duplicate_study(study_id: str, name: str) -> StudyRecord:
    """The same data, types and colours under another name. Runs are shared: they belong to the data."""
    with index.transaction():
        fields = {
            "id": f"s-{uuid.uuid4().hex[:12]}",
            "name": check_name(name, (other.name for other in studies(archived=True))),
            "created": now(), "changed": now(), "past": (),
        }  # fmt: skip
        copied = study(study_id).model_copy(update=fields)
        index.put(copied)
        return copied


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
    return index.update(
        StudyRecord, study_id, lambda record: record.model_copy(update={"name": clean, "changed": now()})
    )


def archive_study(study_id: str, archived: bool = True) -> StudyRecord:
    return index.update(StudyRecord, study_id, lambda record: record.model_copy(update={"archived": archived}))


def delete_study(study_id: str) -> None:
    """For good. Its data sets and runs stay: they belong to the data, and may belong to other studies."""
    index.delete(StudyRecord, study(study_id).id)
