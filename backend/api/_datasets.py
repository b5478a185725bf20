"""Data sets: in, out, and what a page shows of them."""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend import settings
from backend.api._checks import check_name, check_path, one_of
from backend.errors import DataError, InUse, UserError
from backend.jobs import submit
from backend.records import Answers, DatasetRecord, JobState, JobStatus, Role, StudyRecord
from backend.store import index, layout, matrix

READABLE = (".h5ad", ".h5", ".zip", ".tar.gz", ".tgz", ".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet", ".zarr")
BLOCK = 1 << 20
_UNSAFE = re.compile(r"[^A-Za-z0-9._ ()+-]")


def add_dataset(
    paths: Sequence[Path],
    role: Role,
    name: str | None = None,
    answers: Answers | None = None,
    *,
    trusted: bool = False,
) -> JobStatus:
    """Read, check and add a data set, as a job; its result names it: `{"dataset": id}`.

    paths: one file, or a matrix and its coordinates. trusted: the caller may read any file (the shell, not a page)."""
    params = _file_params(paths, role, answers, trusted)
    name = check_name(name or _plain_name(paths[0]))
    done = submit.submit("add", {**params, "name": name})
    if done.state is not JobState.SUCCEEDED:
        return done
    # The same file again finds its job done; its data set may have been deleted or put away since.
    record = index.find(DatasetRecord, str(done.result.get("dataset")))
    if record is None:
        submit.forget(done.id)
        return submit.submit("add", {**params, "name": name})
    if record.archived:
        archive_dataset(record.id, archived=False)
    return done


def inspect(paths: Sequence[Path], role: Role, answers: Answers | None = None, *, trusted: bool = False) -> JobStatus:
    """What the doctor says of a file, as a job; its result: `{"findings": [...], "facts": {...}}`. Nothing is added."""
    return submit.submit("inspect", _file_params(paths, role, answers, trusted))


def _file_params(paths: Sequence[Path], role: Role, answers: Answers | None, trusted: bool) -> dict[str, Any]:
    if not 1 <= len(paths) <= 2:
        raise UserError("A data set comes as one file, or as a matrix and its coordinates.", mend="Give one or two.")
    real = [check_path(path, trusted) for path in paths]
    said = (answers or Answers()).model_dump(mode="json")
    # A file that changed under the same name is other work, so its size and time belong to the job's name.
    stamps = [[path.stat().st_size, path.stat().st_mtime_ns] for path in real]
    return {"paths": [str(path) for path in real], "stamps": stamps, "role": role, "answers": said}


def _plain_name(path: Path) -> str:
    name = Path(path).name
    for ending in sorted(READABLE, key=len, reverse=True):
        name = name.removesuffix(ending)
    return "".join(letter for letter in name if letter.isprintable())[:80] or "data"


def datasets(archived: bool = False) -> list[DatasetRecord]:
    """All data sets, oldest first; with `archived`, those put away too."""
    return [record for record in index.list_all(DatasetRecord) if archived or not record.archived]


def dataset(dataset_id: str) -> DatasetRecord:
    return index.get(DatasetRecord, dataset_id)


def find_dataset(text: str) -> DatasetRecord:
    """By id, or by a name that only one has."""
    return one_of(index.list_all(DatasetRecord), text, "data set", "datasets list")


def rename_dataset(dataset_id: str, name: str) -> DatasetRecord:
    clean = check_name(name)
    return index.update(DatasetRecord, dataset_id, lambda record: record.model_copy(update={"name": clean}))


def archive_dataset(dataset_id: str, archived: bool = True) -> DatasetRecord:
    return index.update(DatasetRecord, dataset_id, lambda record: record.model_copy(update={"archived": archived}))


def delete_dataset(dataset_id: str) -> None:
    """For good. Raises `InUse` while a study or an unfinished job needs it."""
    with index.transaction():
        record = index.get(DatasetRecord, dataset_id)
        users = [study.name for study in index.list_all(StudyRecord) if dataset_id in study.parts]
        if users:
            raise InUse(
                f"{record.name!r} cannot be deleted.",
                f"It belongs to {', '.join(users)}.",
                "Delete the study first, or archive the data set instead.",
            )
        busy = [job.id for job in index.list_jobs(JobState.QUEUED, JobState.RUNNING) if dataset_id in str(job.params)]
        if busy:
            raise InUse(f"{record.name!r} cannot be deleted now.", f"{busy[0]} works on it.", "Cancel it, or wait.")
        index.delete(DatasetRecord, dataset_id)
    folder = layout.dataset_folder(dataset_id)
    if folder.exists():
        # One rename takes it out of sight whole; what a crash leaves behind is no data set any more.
        gone = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.old")
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def dataset_obs(dataset_id: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """One row per cell: type, section, counts, genes, x_um, y_um, umap_1, umap_2 and the file's own small columns."""
    return matrix.obs(dataset(dataset_id).id, columns)


def dataset_genes(dataset_id: str) -> pd.DataFrame:
    """One row per gene: symbol, ensembl, detection (share of cells above 0), mean."""
    return matrix.var(dataset(dataset_id).id)


def gene_values(dataset_id: str, gene: str) -> NDArray[np.float32]:
    """A gene's measured values, one per cell, in the data set's own scale."""
    return matrix.gene_values(dataset(dataset_id).id, gene)


def server_files() -> list[Path]:
    """Files in the allowed folders that look like data, sorted."""
    found: set[Path] = set()
    for folder in settings.load().folders:
        for path in folder.rglob("*") if folder.is_dir() else ():
            hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
            if not hidden and path.is_file() and path.name.lower().endswith(READABLE):
                found.add(path)
    return sorted(found)


def save_upload(name: str, content: IO[bytes]) -> Path:
    """Copy an uploaded file into the data root and return its path. Refuses one above the limit; keeps no half."""
    plain = _UNSAFE.sub("_", Path(name.replace("\\", "/")).name).lstrip(".")[-100:] or "upload"
    limit = settings.load().max_upload_mb * 1_000_000
    target = layout.upload_folder(uuid.uuid4().hex)
    with layout.whole_folder(target) as folder, (folder / plain).open("wb") as file:
        size = 0
        while block := content.read(BLOCK):
            size += len(block)
            if size > limit:
                raise DataError(
                    f"{plain!r} is too large.",
                    f"This server takes files of up to {limit / 1e6:,.0f} MB.",
                    "Put it into a server folder, or raise RESITU_MAX_UPLOAD_MB.",
                )
            file.write(block)
    return target / plain
