"""The memory of Resitu: every record as one row of JSON text in a diskcache under the data root.

diskcache pickles by default, and unpickles whatever a row says is pickled (CVE-2025-69872). `PlainDisk` does neither:
it stores text and numbers, and refuses any other row when it reads. Processes, threads and forks share the index.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import diskcache
from diskcache.core import MODE_RAW
from pydantic import ValidationError

from backend.errors import NotFound, UserError
from backend.records import DatasetRecord, JobState, JobStatus, Record, RunRecord, StudyRecord
from backend.store.layout import index_folder

R = TypeVar("R", bound=Record)

KINDS: dict[type[Record], str] = {
    DatasetRecord: "dataset",
    StudyRecord: "study",
    RunRecord: "run",
    JobStatus: "job",
}
_PLAIN = (str, bytes, int, float)


class RefusedRow(UserError):
    """A row of the index that this program cannot have written."""


class PlainDisk(diskcache.Disk):  # type: ignore[misc]
    """Text keys; text, bytes and number values, inside the database. Nothing is pickled or unpickled."""

    def put(self, key: Any) -> tuple[Any, bool]:
        if type(key) is not str:
            raise TypeError(f"A key of the index is text, not {type(key).__name__}.")
        return key, True

    def get(self, key: Any, raw: Any) -> str:
        if not raw or type(key) is not str:
            raise _refused()
        return key

    def store(self, value: Any, read: bool, key: Any = None) -> tuple[int, int, None, Any]:
        if read or type(value) not in _PLAIN or (type(value) is int and value.bit_length() > 63):
            raise TypeError(f"A value of the index is text, bytes or a number, not {type(value).__name__}.")
        return 0, MODE_RAW, None, value

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Any:
        if mode != MODE_RAW or filename is not None or read or type(value) not in _PLAIN:
            raise _refused()
        return value


def _refused() -> RefusedRow:
    return RefusedRow(
        "The index holds a row that Resitu did not write.",
        "It is neither text nor a number, so it was not opened: reading it could run foreign code.",
        f"Restore {index_folder()} from a backup, or find out who else writes there.",
    )


class _Rows(diskcache.Cache):  # type: ignore[misc]
    def tagged(self, tags: tuple[str, ...]) -> list[str]:
        """Every value under these tags, in one query: its cost does not grow with the rows of other tags."""
        marks = ",".join("?" * len(tags))
        query = f"SELECT mode, filename, value FROM Cache WHERE tag IN ({marks}) AND raw = 1 ORDER BY rowid"
        return [self._disk.fetch(mode, filename, value, False) for mode, filename, value in self._sql(query, tags)]


@functools.lru_cache(maxsize=8)
def _open(folder: Path) -> _Rows:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.chmod(folder, 0o700)
        # cull_limit 0 and policy "none": nothing is ever evicted, whatever its size.
        return _Rows(str(folder), disk=PlainDisk, eviction_policy="none", cull_limit=0, tag_index=True)
    except (OSError, sqlite3.Error) as error:
        raise _unusable(folder, error) from error


def _unusable(folder: Path, error: Exception) -> UserError:
    mend = "See that the disk is there, has room and may be written; or set RESITU_HOME to another folder."
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        mend = f"Restore {folder} from a backup, or set RESITU_HOME to another folder."
    return UserError(f"The data folder {folder.parent} cannot be used.", f"{error}.", mend)


@contextlib.contextmanager
def _rows() -> Iterator[_Rows]:
    """The rows; what the database itself cannot do is told."""
    folder = index_folder()
    try:
        yield _open(folder)
    except sqlite3.Error as error:
        raise _unusable(folder, error) from error


def _key(kind: type[Record], record_id: str) -> str:
    return f"{KINDS[kind]}/{record_id}"


def _tag(record: Record) -> str:
    kind = KINDS[type(record)]
    return f"{kind}/{record.state}" if isinstance(record, JobStatus) else kind


def _parse(kind: type[R], text: Any) -> R:
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise RefusedRow(
            f"A {KINDS[kind]} of the index cannot be read.",
            f"It does not have the fields of this version of Resitu ({error.error_count()} differ).",
            "Open it with the version that wrote it, or update Resitu.",
        ) from error


@contextlib.contextmanager
def transaction() -> Iterator[None]:
    """All reads and writes of the block are one: no other process writes meanwhile. Keep it short; it may nest."""
    with _rows() as rows, rows.transact(retry=True):
        yield


def put(record: Record) -> None:
    """Write a record, replacing the one of the same id. A record needs an `id`."""
    with _rows() as rows:
        rows.set(_key(type(record), record.id), record.model_dump_json(), tag=_tag(record), retry=True)  # type: ignore[attr-defined]


def add(record: Record) -> bool:
    """Write a record if its id is free. False: it was there already, and stays as it was."""
    with transaction():
        if find(type(record), record.id) is not None:  # type: ignore[attr-defined]
            return False
        put(record)
        return True


def find(kind: type[R], record_id: str) -> R | None:
    with _rows() as rows:
        text = rows.get(_key(kind, record_id), retry=True)
    return None if text is None else _parse(kind, text)


def get(kind: type[R], record_id: str) -> R:
    """Raises `NotFound`."""
    record = find(kind, record_id)
    if record is None:
        raise NotFound(
            f"There is no {KINDS[kind]} {record_id!r} here.",
            "It was deleted, or belongs to another data folder.",
            "Choose one from the list.",
        )
    return record


def list_all(kind: type[R]) -> list[R]:
    """Every record of one kind, oldest first."""
    tags = tuple(f"job/{state}" for state in JobState) if kind is JobStatus else (KINDS[kind],)
    return _parsed(kind, tags)


def list_jobs(*states: JobState) -> list[JobStatus]:
    """The jobs in one of these states, oldest first. Finished jobs cost nothing when unfinished ones are asked for."""
    return _parsed(JobStatus, tuple(f"job/{state}" for state in states))


def _parsed(kind: type[R], tags: tuple[str, ...]) -> list[R]:
    with _rows() as rows:
        texts = rows.tagged(tags)
    return sorted((_parse(kind, text) for text in texts), key=lambda record: record.created)  # type: ignore[attr-defined]


def update(kind: type[R], record_id: str, change: Callable[[R], R]) -> R:
    """Replace a record by `change(record)`, atomically. Raises `NotFound`."""
    with transaction():
        changed = change(get(kind, record_id))
        put(changed)
        return changed


def delete(kind: type[Record], record_id: str) -> bool:
    """True if it was there."""
    with _rows() as rows:
        return bool(rows.delete(_key(kind, record_id), retry=True))
