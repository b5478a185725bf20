"""Changes of a study that can be taken back: what it was before is kept with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from backend.errors import UserError
from backend.records import DatasetRecord, Snapshot, StudyRecord, now
from backend.store import index

MOST_KEPT = 30
_KEPT = ("tissue", "reference", "validation", "quick", "types", "colours", "imputer")


def change(study_id: str, did: str, new: Callable[[StudyRecord], Mapping[str, Any]]) -> StudyRecord:
    """Replace fields of a study, and remember what they were. did: the change, in words. No change leaves no trace."""

    def changed(old: StudyRecord) -> StudyRecord:
        fields = dict(new(old))
        if all(getattr(old, name) == value for name, value in fields.items()):
            return old
        before = Snapshot(did=did, **{name: getattr(old, name) for name in _KEPT})
        return old.model_copy(update={**fields, "past": (*old.past, before)[-MOST_KEPT:], "changed": now()})

    return index.update(StudyRecord, study_id, changed)


def undo(study_id: str) -> StudyRecord:
    """Take the last change of a study back: its data sets, types, colours and imputed genes are what they were before.
    A quick-look region that was deleted since stays away; any other data set that was makes this a `UserError`."""

    def back(old: StudyRecord) -> StudyRecord:
        if not old.past:
            raise UserError(f"Nothing of {old.name!r} can be taken back.", "It was not changed.")
        *earlier, last = old.past
        parts = (last.tissue, last.reference, last.validation)
        if any(part and index.find(DatasetRecord, part) is None for part in parts):
            raise UserError(f"{last.did!r} cannot be taken back.", "A data set that was used before it was deleted.")
        fields = {name: getattr(last, name) for name in _KEPT}
        if last.quick and index.find(DatasetRecord, last.quick) is None:
            fields["quick"] = None
        return old.model_copy(update={**fields, "past": tuple(earlier), "changed": now()})

    return index.update(StudyRecord, study_id, back)
