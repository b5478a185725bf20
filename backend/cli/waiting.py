"""Waiting for a job at the shell."""

from __future__ import annotations

import sys

from backend import api
from backend.errors import UserError
from backend.records import JobState, JobStatus

KEPT = (JobState.SUCCEEDED, JobState.STOPPED)


def finish(job: JobStatus) -> JobStatus:
    """Wait for a job, run it here if no workers are about, and return it once it has a result.

    Ctrl-C stops the waiting only: with workers the job goes on. A job that failed raises its own error."""
    said = ""

    def say(status: JobStatus) -> None:
        nonlocal said
        stage = f"{status.id}: {status.stage or status.state.value}"
        if stage != said and not status.state.finished:
            print(stage, file=sys.stderr, flush=True)
            said = stage

    try:
        job = api.wait(job.id, on_progress=say)
    except KeyboardInterrupt:
        raise UserError(
            f"No longer waiting for {job.id}.",
            "Workers go on with it; without workers it stands still.",
            f"See `runs show {job.id}`; the same command with --wait picks it up again.",
        ) from None
    if job.state not in KEPT:
        raise _failure(job)
    return job


class JobFailed(UserError):
    """A job's own error, of the kind it had there."""

    def __init__(self, error: dict[str, str]) -> None:
        super().__init__(error["what"], error["why"], error["mend"])
        self._kind = error["kind"]

    def to_dict(self) -> dict[str, str]:
        return {**super().to_dict(), "kind": self._kind}


def _failure(job: JobStatus) -> UserError:
    if job.error:
        return JobFailed(job.error)
    mend = f"See `runs show {job.id}`; `runs resume {job.id}` starts it again."
    return UserError(f"The job {job.id} was {job.state.value}.", mend=mend)


def settle_types(study_id: str) -> None:
    """Wait for the cell types that a study still works out."""
    for source in api.study(study_id).types.values():
        if source != "column":
            finish(api.job(source))
