"""Jobs: what is being worked out, by whom, and how it goes."""

from __future__ import annotations

from collections.abc import Callable

from backend.jobs import submit
from backend.jobs.workers import workers as look_for_workers
from backend.records import DatasetRecord, JobState, JobStatus, StudyRecord, Workers
from backend.store import index

DEMO_SEED = 0


def job(job_id: str) -> JobStatus:
    return index.get(JobStatus, job_id)


def jobs() -> list[JobStatus]:
    """All jobs, oldest first."""
    return index.list_all(JobStatus)


def queue_place(job_id: str) -> int:
    """1: it is the next to be taken. 0: it does not wait."""
    return submit.queue_place(job(job_id))


def wait(
    job_id: str, timeout: float | None = None, on_progress: Callable[[JobStatus], None] = lambda _: None
) -> JobStatus:
    """Until the job has finished, or `timeout` seconds. Without workers the job runs here."""
    return submit.wait(job(job_id).id, timeout, on_progress)


def stop_run(job_id: str) -> JobStatus:
    """Finish early and keep what was learnt so far."""
    return submit.stop(job(job_id).id)


def cancel_job(job_id: str) -> JobStatus:
    return submit.cancel(job(job_id).id)


def resume_run(job_id: str) -> JobStatus:
    """Queue it again; it goes on from its last checkpoint. What is done or under way stays as it is."""
    old = job(job_id)
    return submit.submit(old.kind, old.params, job_id)


def workers() -> Workers:
    """Whether anybody would take a job now."""
    return look_for_workers()


def make_demo() -> JobStatus:
    """The simulated study, the same for everybody."""
    done = submit.submit("demo", {"seed": DEMO_SEED})
    if done.state is JobState.SUCCEEDED and not _stands(done):
        submit.forget(done.id)
        return submit.submit("demo", {"seed": DEMO_SEED})
    return done


def _stands(demo: JobStatus) -> bool:
    """Whether nobody has deleted the demo's study or one of its data sets since it was made."""
    made = {name: str(record_id) for name, record_id in demo.result.items()}
    parts = [index.find(DatasetRecord, made[role]) for role in ("tissue", "reference", "validation")]
    return index.find(StudyRecord, made["study"]) is not None and all(parts)
