"""Ask for work, stop it, wait for it. Only the index is written here; a dispatcher (or `wait`) has it done."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import Any

from backend.errors import InUse
from backend.jobs import handlers, launch
from backend.jobs.lease import holder
from backend.jobs.workers import workers
from backend.records import JobState, JobStatus, now
from backend.store import index, keys
from backend.store.layout import job_folder, result_folder

POLL_S = 0.2
Watch = Callable[[JobStatus], None]


def submit(kind: str, params: dict[str, Any], job_id: str | None = None) -> JobStatus:
    """Queue work, unless it is done, queued or running already: equal work has one id.

    job_id: for a run, whose name says less than its params. Work that failed, was stopped, cancelled or lost is
    queued again, and goes on from its last checkpoint."""
    handlers.target(kind)  # raises `NotFound`
    job_id = job_id or keys.job_id(kind, params)
    with index.transaction():
        old = index.find(JobStatus, job_id)
        if old and (not old.state.finished or (old.state is JobState.SUCCEEDED and result_folder(job_id).exists())):
            return old
        for flag in ("stop", "cancel"):
            (job_folder(job_id) / flag).unlink(missing_ok=True)
        fresh = JobStatus(id=job_id, kind=kind, params=params)
        if old:
            # The token never falls; what a stopped run has kept stays until something better is there.
            kept = {"attempt": old.attempt, "result": old.result, "stopped_at": old.stopped_at}
            fresh = fresh.model_copy(update=kept)
        index.put(fresh)
        return fresh


def status(job_id: str) -> JobStatus:
    """Raises `NotFound`."""
    return index.get(JobStatus, job_id)


def cancel(job_id: str) -> JobStatus:
    """Drop it. A running job ends at its next step; a finished one stays as it is."""
    return _end(job_id, "cancel", JobState.CANCELLED)


def stop(job_id: str) -> JobStatus:
    """Finish early and keep what there is. A job that has nothing yet is cancelled."""
    kept = status(job_id).stopped_at is not None
    return _end(job_id, "stop", JobState.STOPPED if kept else JobState.CANCELLED)


def _end(job_id: str, flag: str, state: JobState) -> JobStatus:
    with index.transaction():
        job = status(job_id)
        if job.state is JobState.RUNNING and holder(job_id):
            folder = job_folder(job_id)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / flag).touch()
        elif not job.state.finished:
            job = job.model_copy(update={"state": state, "finished": now()})
            index.put(job)
        return job


def forget(job_id: str) -> None:
    """Delete a job and all it left, so that the same work can be done anew. Raises `InUse` while it is not finished."""
    with index.transaction():
        job = index.find(JobStatus, job_id)
        if job and not job.state.finished:
            raise InUse(f"The {job.kind} {job_id} is {job.state}.", mend="Cancel it, or wait for its end.")
        index.delete(JobStatus, job_id)
        shutil.rmtree(job_folder(job_id), ignore_errors=True)


def queue_place(job: JobStatus) -> int:
    """1: it is the next to be taken. 0: it does not wait."""
    waiting = index.list_jobs(JobState.QUEUED)
    lane = handlers.lane(job.kind)
    ids = [other.id for other in waiting if handlers.lane(other.kind) == lane]
    return ids.index(job.id) + 1 if job.id in ids else 0


def wait(job_id: str, timeout: float | None = None, on_progress: Watch = lambda _: None) -> JobStatus:
    """Return when the job is finished or `timeout` seconds are over. Where nobody would do it, do it here."""
    deadline = time.monotonic() + (timeout if timeout is not None else float("inf"))

    def over() -> bool:
        job = status(job_id)
        on_progress(job)
        return job.state.finished or time.monotonic() >= deadline

    while not over():
        if workers().alive or holder(job_id):
            time.sleep(POLL_S)
        else:
            launch.run(job_id, must_end=over)
    return status(job_id)
