"""Where things lie under the data root, and how they are written: whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backend.errors import NotFound
from backend.settings import load

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,79}")


def _child(folder: str, name: str) -> Path:
    # Ids come from URLs: only plain names ever become a path.
    if not _ID.fullmatch(name):
        raise NotFound(f"{name!r} is not an id.", mend="Open it from the list instead of typing its address.")
    return load().home / folder / name


def dataset_folder(dataset_id: str) -> Path:
    return _child("datasets", dataset_id)


def job_folder(job_id: str) -> Path:
    """`log.txt`, `metrics.jsonl`, `lease.json`, `checkpoint/`, flags `stop` and `cancel`, and at the end `result/`."""
    return _child("jobs", job_id)


def result_folder(job_id: str) -> Path:
    return job_folder(job_id) / "result"


def upload_folder(token: str) -> Path:
    return _child("uploads", token)


def orthologues_file(name: str) -> Path:
    """Pairs of genes that a user brought; `name` is made from its content."""
    return _child("orthologues", name)


def backbone_folder(name: str) -> Path:
    """A published foundation model that was added: weights, vocabulary, where they came from."""
    return _child("backbones", name)


def index_folder() -> Path:
    return load().home / "index"


def write_bytes(path: Path, data: bytes) -> None:
    """Temp file, fsync, rename: a reader sees the old content or the new, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    _sync(path.parent)


def write_json(path: Path, value: Any) -> None:
    write_bytes(path, json.dumps(value, indent=1, sort_keys=True, allow_nan=False).encode())


def read_json(path: Path) -> Any:
    return json.loads(path.read_text())


@contextlib.contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes `target` at the end, or vanishes if the block raises.

    An older `target` is replaced."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.partial")
    partial.mkdir()
    try:
        yield partial
        sync_folder(partial)
        replace_folder(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def sync_folder(folder: Path) -> None:
    """Everything in it is on the disk when this returns."""
    for file in folder.rglob("*"):
        _sync(file)
    _sync(folder)


def replace_folder(partial: Path, target: Path) -> None:
    """Rename `partial`, already synced, to `target`; an older `target` goes."""
    if target.exists():
        old = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.old")
        target.rename(old)
        partial.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    else:
        partial.rename(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
