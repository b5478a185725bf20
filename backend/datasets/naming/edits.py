"""Names changed by hand: types renamed, merged (two types renamed to one name) and split; groups of cells named."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backend.datasets.naming.found import UNSURE, Found, read_source, still_true
from backend.datasets.naming.labels import MOST_TYPES, clean, fault
from backend.errors import DataError, UserError
from backend.records import DatasetRecord
from backend.store import matrix

if TYPE_CHECKING:
    from backend.training.job import Job

FEWEST_CELLS = 20  # of a type that is split by expression: below it clusters mean nothing
LEAST_RESOLUTION, MOST_RESOLUTION = 0.1, 5.0
_EDITED = " Names were edited by hand."

Split = dict[str, Any]  # {"by": "leiden", "resolution": r} or {"by": "gene", "gene": g, "above": x}


def check_resolution(value: float) -> dict[str, float]:
    """A resolution of Leiden clustering as the params of a job. 1 is what is meant where none is said."""
    if not LEAST_RESOLUTION <= value <= MOST_RESOLUTION:
        raise UserError(f"A resolution lies between {LEAST_RESOLUTION} and {MOST_RESOLUTION:g}.", f"This is {value}.")
    return {} if value == 1 else {"resolution": round(float(value), 3)}


def check_edit(
    known: Set[str], renames: Mapping[str, str], splits: Mapping[str, Split], groups: Mapping[str, str]
) -> dict[str, Any]:
    """The edit as the params of its job: names cleaned, what changes nothing left out. known: the types there are.
    Raises `UserError` with everything that is wrong with it."""
    kept = {str(old): clean(new) for old, new in renames.items() if clean(new) != old}
    named = {str(group): clean(name) for group, name in groups.items()}
    faults = [told for name in (*kept.values(), *named.values()) if (told := fault(name))]
    faults += [f"There is no type {old!r} here." for old in (*kept, *splits) if old not in known]
    faults += [f"{old!r} is renamed and split at once: do one after the other." for old in kept if old in splits]
    faults += [told for old, split in splits.items() if (told := _split_fault(old, split))]
    after = {kept.get(name, name) for name in known} | set(named.values())
    if len(after) > MOST_TYPES:
        faults.append(f"There would be {len(after):,} types; {MOST_TYPES} are the most that figures can show.")
    if faults:
        raise UserError("The names cannot be changed like this.", " ".join(dict.fromkeys(faults)), "Nothing was lost.")
    if not (kept or splits or named):
        raise UserError("Nothing was changed.", "Every type keeps its name.", "Type a new name first.")
    given = {"renames": kept, "splits": {str(old): dict(split) for old, split in splits.items()}, "groups": named}
    return {name: value for name, value in given.items() if value}


def _split_fault(old: str, split: Split) -> str | None:
    if split.get("by") == "leiden":
        good = LEAST_RESOLUTION <= float(split.get("resolution", 0)) <= MOST_RESOLUTION
        return None if good else f"The resolution lies between {LEAST_RESOLUTION} and {MOST_RESOLUTION:g}."
    if split.get("by") == "gene":
        good = bool(split.get("gene")) and bool(np.isfinite(float(split.get("above", np.nan))))
        return None if good else f"To split {old!r} by a gene, name the gene and a value."
    return f"{old!r} can be split by leiden or by gene, not by {split.get('by')!r}."


def by_edit(record: DatasetRecord, params: dict[str, Any], job: Job) -> Found:
    """params: base, renames, splits, groups: as `check_edit` gives them."""
    job.stage("changing names")
    base = read_source(record, params["base"])
    cells = base.cells.reindex(matrix.obs(record.id, []).index)
    old = cells["type"].fillna(UNSURE).to_numpy(dtype=object)
    renames = params.get("renames", {})
    new = np.array([renames.get(name, name) for name in old], dtype=object)
    for type_, split in params.get("splits", {}).items():
        job.stage(f"splitting {type_}")
        rows = np.flatnonzero(old == type_)
        new[rows] = _parts(record, type_, rows, split)
    extra = {name: cells[name].to_numpy() for name in base.extra}
    by_hand = (old == UNSURE) & (new != UNSURE)
    for group, name in params.get("groups", {}).items():
        members = _members(extra, group)
        new[members], by_hand[members] = name, True
    probability = np.where(by_hand, np.nan, cells["probability"]).astype(np.float32)  # it was that of another name
    sentence = base.sentence if base.sentence.endswith(_EDITED) else base.sentence + _EDITED
    found = Found(new, probability, sentence, still_true(base, extra), base.tables, extra)
    if len(found.names) > MOST_TYPES:
        raise DataError(f"There would be {len(found.names):,} types.", mend="Split with a lower resolution.")
    found.facts.update({"types": len(found.names), "edits": int(base.facts.get("edits", 0)) + 1})
    return found


def _members(extra: dict[str, NDArray[Any]], group: str) -> NDArray[np.bool_]:
    members = extra["group"].astype(str) == group if "group" in extra else np.zeros(0, dtype=bool)
    if not members.any():
        raise DataError(f"There is no group {group!r} among these cells.", mend="Open the page again.")
    return np.asarray(members)


def _parts(record: DatasetRecord, type_: str, rows: NDArray[np.intp], split: Split) -> NDArray[np.object_]:
    """Names for the cells `rows` of one type: "T cell 1", "T cell 2", or "T cell CD4+", "T cell CD4-"."""
    if split["by"] == "gene":
        above = matrix.gene_values(record.id, split["gene"])[rows] > float(split["above"])
        if above.all() or not above.any():
            raise DataError(
                f"{type_!r} is not split by {split['gene']} above {split['above']:g}.",
                f"{'All' if above.all() else 'None'} of its {len(rows):,} cells lie above it.",
                "Choose another value.",
            )
        return np.where(above, f"{type_} {split['gene']}+", f"{type_} {split['gene']}-").astype(object)
    if len(rows) < FEWEST_CELLS:
        raise DataError(
            f"{type_!r} is too small to be split by expression.",
            f"It has {len(rows)} cells; {FEWEST_CELLS} are the fewest.",
            "Split it by a gene instead.",
        )
    from backend.datasets.expression import leiden  # here, because it brings scipy, and the door reads this file

    labels = leiden(matrix.load_csr(record.id)[0][rows], record.scale, float(split["resolution"]), seed=0)
    if labels.max() == 0:
        raise DataError(
            f"{type_!r} is one group at resolution {split['resolution']:g}.", mend="Choose a higher resolution."
        )
    return np.array([f"{type_} {label + 1}" for label in labels], dtype=object)
