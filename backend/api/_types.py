"""Cell types of a study's data sets: worked out, brought, edited, and read.

Whatever names cells is a job. A study keeps the types it has until the new ones are there: `use_naming` then puts
them in use, and `undo` takes them back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from backend.api._checks import check_path
from backend.api._datasets import dataset
from backend.api._history import change
from backend.datasets.naming import celltypist_model, labels
from backend.datasets.naming.cell_groups import write_groups
from backend.datasets.naming.edits import Split, check_edit, check_resolution
from backend.datasets.naming.found import COLUMN as COLUMN
from backend.datasets.naming.found import TRANSFER_VERSION, said_of_column, tables_of, way_of
from backend.datasets.naming.found import UNSURE as UNSURE
from backend.datasets.naming.marker_lists import MarkerLists, read_lists, spellings
from backend.errors import DataError, NotFound, UserError
from backend.jobs import submit
from backend.records import DatasetRecord, JobState, JobStatus, StudyRecord
from backend.store import index, layout, matrix

Annotation = Literal["transfer", "leiden"]
GROUP_FILES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt")
MODEL_FILES = celltypist_model.READABLE
CONVERT_MODEL = celltypist_model.CONVERT  # what a user runs to make one of these of a CellTypist model
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_DID = {
    "transfer": "types transferred to", "leiden": "groups of similar expression in", "markers": "marker lists for",
    "celltypist": "a CellTypist model for", "groups": "cell groups read for", "edit": "names changed in",
    "inherit": "names taken over for",
}  # fmt: skip


@dataclass(frozen=True)
class CellTypes:
    """table: cell, type, probability (NaN where nothing was estimated). source: where the types come from, in a
    sentence. job_id: the job that still works them out, or None."""

    table: pd.DataFrame
    source: str
    job_id: str | None = None


@dataclass(frozen=True)
class Naming:
    """What a finished annotation found. how: the way the names were found, before anything was edited or taken over.
    facts and tables: what that way tells besides."""

    job: JobStatus
    how: str
    facts: dict[str, Any]
    tables: dict[str, pd.DataFrame]

    @property
    def predicted(self) -> bool:
        return self.how in ("transfer", "celltypist")


def default_types(part: DatasetRecord, reference: DatasetRecord, orthologues: str | None, taught: str = COLUMN) -> str:
    """`"column"`, or the id of the job that works the types out: from the reference where it names some.

    taught: where the reference's own types come from."""
    if part.has_types:
        return COLUMN
    how: Annotation = "transfer" if part.id != reference.id and reference.has_types else "leiden"
    params = _params(part, reference, how, orthologues)
    if how == "transfer" and taught != COLUMN and index.get(JobStatus, taught).state is JobState.SUCCEEDED:
        params["reference_types"] = taught
    return submit.submit("annotate", params).id


def inherited_types(part: DatasetRecord, source: str) -> str:
    """The types of another version of the same data set, cell by cell; where they are not there yet, the same way of
    naming applied to this version."""
    if source == COLUMN:
        return COLUMN
    old = index.get(JobStatus, source)
    if old.state is JobState.SUCCEEDED:
        return submit.submit("annotate", {"dataset": part.id, "how": "inherit", "base": source}).id
    if old.params["how"] == "inherit":
        return inherited_types(part, old.params["base"])
    params = {**old.params, "dataset": part.id}
    if "base" in params:
        params["base"] = inherited_types(part, params["base"])
    return submit.submit("annotate", params).id


def _params(part: DatasetRecord, reference: DatasetRecord, how: Annotation, orthologues: str | None) -> dict[str, Any]:
    params: dict[str, Any] = {"dataset": part.id, "how": how}
    if how == "transfer":
        params |= {"reference": reference.id, "version": TRANSFER_VERSION}
        if orthologues and part.species != reference.species:
            params["orthologues"] = orthologues
    return params


def annotate(study_id: str, dataset_id: str, how: Annotation, resolution: float = 1.0) -> JobStatus:
    """Work the types of one of the study's data sets out: from the reference, as the study names it now, or as groups
    of similar expression."""
    record, part = _part(study_id, dataset_id)
    reference = dataset(record.reference)
    params = _params(part, reference, how, record.orthologues)
    if how == "leiden":
        params |= check_resolution(resolution)
    elif dataset_id == reference.id:
        raise UserError(
            "Types cannot be transferred from this reference.", "It is the reference itself.",
            "Group the cells by expression (Leiden) instead.",
        )  # fmt: skip
    else:
        params |= _reference_types(record, reference)
    return submit.submit("annotate", params)


def _reference_types(record: StudyRecord, reference: DatasetRecord) -> dict[str, str]:
    source = record.types[reference.id]
    if source == COLUMN:
        return {}
    job, why = index.get(JobStatus, source), ""
    if job.params["how"] in ("leiden", "inherit") and way_of(source) == "leiden":
        why = "Its cells are in numbered groups, which are no names."
    elif job.state is not JobState.SUCCEEDED:
        why = f"It names none yet ({job.state.value})."
    if not why:
        return {"reference_types": source}
    mend = "Name its cells first, or the tissue's own by marker genes or by groups of similar expression."
    raise UserError("Types cannot be transferred from this reference.", why, mend)


def check_markers(text: str, dataset_id: str) -> MarkerLists:
    """Marker lists as they would be scored on the data set, and what is wrong with them. Cheap."""
    return read_lists(text, spellings(dataset(dataset_id).id))


def name_by_markers(study_id: str, dataset_id: str, text: str, resolution: float = 1.0) -> JobStatus:
    """Score marker lists on groups of similar expression. text: lines `type: GENE, GENE`, or two columns."""
    _, part = _part(study_id, dataset_id)
    lists = {name: list(genes) for name, genes in check_markers(text, part.id).require().items()}
    params = {"dataset": part.id, "how": "markers", "lists": lists, **check_resolution(resolution)}
    return submit.submit("annotate", params)


def name_by_model(
    study_id: str, dataset_id: str, path: Path, *, vote: bool = False, trusted: bool = False
) -> JobStatus:
    """Apply a CellTypist model, converted to a table (`CONVERT_MODEL`). vote: each group of similar expression takes
    the commonest type of its cells."""
    _, part = _part(study_id, dataset_id)
    if path.suffix.lower() in (".pkl", ".pickle", ".joblib"):
        raise DataError(
            f"{path.name} is a pickle, and no pickle is opened here.",
            "A pickle can run any program on this server.",
            "Convert the model to a table on your own machine: the lines for it stand beside the form, and in the "
            "command's help.",
        )
    params = {"dataset": part.id, "how": "celltypist", **_file(path, MODEL_FILES, trusted)}
    return submit.submit("annotate", {**params, "vote": True} if vote else params)


def import_groups(study_id: str, dataset_id: str, path: Path, trusted: bool = False) -> JobStatus:
    """Take the names from a CSV of cell_id and group, as Xenium Explorer writes it."""
    _, part = _part(study_id, dataset_id)
    return submit.submit("annotate", {"dataset": part.id, "how": "groups", **_file(path, GROUP_FILES, trusted)})


def _file(path: Path, endings: tuple[str, ...], trusted: bool) -> dict[str, Any]:
    """A file that changed under the same name is other work, so its size and time belong to the job's name."""
    real = check_path(path, trusted)
    if not real.name.lower().endswith(endings):
        raise DataError(f"{real.name} cannot be read here.", f"It does not end in {', '.join(endings)}.")
    return {"path": str(real), "stamp": [real.stat().st_size, real.stat().st_mtime_ns]}


def edit_types(
    study_id: str,
    dataset_id: str,
    renames: Mapping[str, str],
    splits: Mapping[str, Split] | None = None,
    groups: Mapping[str, str] | None = None,
    base: str | None = None,
) -> JobStatus:
    """Change names: renames, old -> new (two to one name: merged); splits, type -> {"by": "leiden", "resolution": r} or
    {"by": "gene", "gene": g, "above": x}; groups, a group that an earlier naming found -> the name of its cells.

    base: an annotation of this data set to start from; None: the names in use."""
    record, part = _part(study_id, dataset_id)
    source = base or record.types[part.id]
    found = _types_of(part, source)
    if found.table.empty:
        raise UserError("There are no names to change yet.", found.source, "Wait for them, or name the cells anew.")
    given = check_edit(set(found.table["type"].astype(str)), renames, splits or {}, groups or {})
    for split in given.get("splits", {}).values():
        if split["by"] == "gene":
            split["gene"] = _gene(part, str(split["gene"]))
    return submit.submit("annotate", {"dataset": part.id, "how": "edit", "base": source, **given})


def _gene(part: DatasetRecord, asked: str) -> str:
    known = spellings(part.id)
    if asked.strip().casefold() not in known:
        raise NotFound(f"{asked!r} is not measured in {part.name!r}.", mend="Choose one of its genes.")
    return known[asked.strip().casefold()]


def namings(study_id: str, dataset_id: str) -> list[JobStatus]:
    """Every annotation of a data set of the study, the newest first: in use or not, finished or not."""
    _, part = _part(study_id, dataset_id)
    mine = [job for job in index.list_all(JobStatus) if job.kind == "annotate" and job.params["dataset"] == part.id]
    return sorted(mine, key=lambda job: job.finished or job.created, reverse=True)


def use_naming(
    study_id: str, job_id: str, instead_of: str | None = None, colours: Mapping[str, str] | None = None
) -> StudyRecord:
    """Use the types that a finished annotation found. `undo` takes them back.

    instead_of: the types that were in use when it was asked for; refused where they are not any more (somebody
    changed them in another window). colours: type -> the colour in sight now; after an edit by hand, types that were
    left alone keep it."""
    job = index.get(JobStatus, job_id)
    record, part = _part(study_id, str(job.params.get("dataset")))
    if job.kind != "annotate" or job.state is not JobState.SUCCEEDED:
        why = (job.error or {}).get("what", "") or f"They are {job.state.value}."
        raise UserError("These names are not there.", why, "The names in use stay as they are.")

    def fields(old: StudyRecord) -> dict[str, Any]:
        if instead_of is not None and old.types.get(part.id) not in (instead_of, job.id):
            raise UserError(
                "The names were changed in the meantime.", "Another window put other names in use.",
                "Look at them first; the new names are kept under Earlier names.",
            )  # fmt: skip
        types = {**old.types, part.id: job.id}
        if old.quick and part.id == old.tissue:
            types[old.quick] = inherited_types(dataset(old.quick), job.id)
        seen = {**(colours or {}), **old.colours} if job.params["how"] == "edit" else old.colours
        return {"types": types, "colours": {**seen, **_colours_of(job, seen)}}

    return change(record.id, f"{_DID[job.params['how']]} {part.name}", fields)


def _colours_of(job: JobStatus, chosen: Mapping[str, str]) -> dict[str, str]:
    """Colours that a file brought; a type that was renamed keeps its colour."""
    kept = {
        str(new): chosen[old]
        for old, new in job.params.get("renames", {}).items() if old in chosen and new not in chosen
    }  # fmt: skip
    return {**kept, **job.result.get("colours", {})}


def use_types(study_id: str, dataset_id: str, source: str, did: str) -> StudyRecord:
    """Use these types for a data set of the study from now on. `undo` takes it back."""
    return change(study_id, did, lambda old: {"types": {**old.types, dataset_id: source}})


def set_colours(study_id: str, colours: Mapping[str, str | None]) -> StudyRecord:
    """Choose colours: type -> "#rrggbb", or None for the palette's own. `undo` takes it back."""
    faults = [f"{colour!r} is no colour." for colour in colours.values() if colour and not _HEX.fullmatch(colour)]
    faults += [told for name in colours if (told := labels.fault(name))]
    faults += ["Cells without a name stay grey."] if colours.get(UNSURE) else []
    if faults:
        raise UserError("The colours cannot be taken.", " ".join(faults), "Write a colour as #rrggbb.")

    def fields(old: StudyRecord) -> dict[str, Any]:
        new = {**old.colours, **colours}
        return {"colours": {name: colour.lower() for name, colour in new.items() if colour}}

    return change(study_id, "colours", fields)


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
    return _types_of(dataset(dataset_id), source)


def _types_of(part: DatasetRecord, source: str) -> CellTypes:
    if source == COLUMN:
        table = matrix.obs(part.id, ["type"]).reset_index().assign(probability=float("nan"))
        return CellTypes(table, said_of_column(part))
    job = index.get(JobStatus, source)
    if job.params.get("dataset", part.id) != part.id:
        raise NotFound(f"{source!r} names no cells of {part.name!r}.", mend="Choose one of its own namings.")
    if job.state != JobState.SUCCEEDED:
        empty = pd.DataFrame({"cell": [], "type": [], "probability": []})
        words = f"The types are being worked out ({job.state.value})."
        if job.state.finished:
            words = f"The types could not be worked out: {(job.error or {}).get('what', job.state.value)}"
        return CellTypes(empty, words, job.id)
    table = pd.read_parquet(layout.result_folder(source) / "types.parquet")
    return CellTypes(table, str(job.result["source"]))


def naming(study_id: str, dataset_id: str) -> Naming | None:
    """What the annotation in use found besides the types; None where the data name them, or nothing is there yet."""
    record, part = _part(study_id, dataset_id)
    source = record.types[part.id]
    return None if source == COLUMN else read_naming(source)


def read_naming(job_id: str) -> Naming | None:
    """What an annotation found; None while it is not finished."""
    job = index.get(JobStatus, job_id)
    if job.kind != "annotate" or job.state is not JobState.SUCCEEDED:
        return None
    return Naming(job, way_of(job_id), dict(job.result), tables_of(job_id))


def same_names(study_id: str, dataset_id: str) -> dict[str, str]:
    """Types of a data set that the reference writes differently ("T cells", "T cell") -> the reference's name."""
    record, part = _part(study_id, dataset_id)
    if part.id == record.reference:
        return {}
    ours, theirs = (
        {str(name) for name in cell_types(study_id, each).table["type"].unique()} - {UNSURE}
        for each in (part.id, record.reference)
    )
    return labels.alike(ours, theirs)


def export_groups(study_id: str, dataset_id: str, colours: Mapping[str, str] | None = None) -> bytes:
    """The types in use as a CSV of cell_id, group and, where every type has one, color: as Xenium Explorer reads it.

    colours: type -> "#rrggbb"; None: those that the user chose."""
    record, _ = _part(study_id, dataset_id)
    table = cell_types(study_id, dataset_id).table
    if table.empty:
        raise UserError("There are no names to write yet.", mend="Wait for them.")
    cells = pd.Series(table["type"].astype(str).to_numpy(), index=np.asarray(table["cell"], dtype=str))
    return write_groups(cells, record.colours if colours is None else colours)
