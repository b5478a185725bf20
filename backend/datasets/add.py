"""Job handlers: look at a file, and add it. A data set appears whole, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.datasets import canonical, doctor
from backend.datasets.readers import read
from backend.records import Answers, DatasetRecord
from backend.store import index

if TYPE_CHECKING:
    from backend.training.job import Job


def inspect(params: dict[str, Any], job: Job) -> dict[str, Any]:
    """params: paths, role, answers. Returns `{"findings": [...], "facts": {...}}`; writes nothing."""
    diagnosis = _examine(params, job)
    return {
        "findings": [finding.model_dump(mode="json") for finding in diagnosis.findings],
        "facts": diagnosis.facts,
    }


def add(params: dict[str, Any], job: Job) -> dict[str, Any]:
    """params: paths, role, answers, name, and `simulated` for what was made by code.

    Returns `{"dataset": id, "record": {...}, "known": whether it was here before}`. Raises DataError with everything
    that was refused. The same content again is the same data set: it keeps its name, and comes back if archived.
    """
    ready = _examine(params, job).require()
    job.stage("writing the data set")
    name = params.get("name") or Path(params["paths"][0]).stem
    written = canonical.write(ready, name, simulated=bool(params.get("simulated", False)))
    fresh = index.add(written.model_copy(update={"name": name, "archived": False}))
    record = index.update(DatasetRecord, written.id, lambda old: old.model_copy(update={"archived": False}))
    return {"dataset": record.id, "record": record.model_dump(mode="json"), "known": not fresh}


def _examine(params: dict[str, Any], job: Job) -> doctor.Diagnosis:
    paths = [Path(path) for path in params["paths"]]
    job.stage(f"reading {' and '.join(path.name for path in paths)}")
    raw = read(paths, job.settings.max_upload_mb)
    job.stage("looking for problems")
    return doctor.examine(raw, params["role"], Answers.model_validate(params.get("answers") or {}))
