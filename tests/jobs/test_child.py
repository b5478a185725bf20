import os
import signal

import pytest

from backend.jobs import submit as jobs
from backend.jobs.child import NOT_MINE
from backend.jobs.lease import holder, recover
from backend.records import JobState
from backend.store.layout import job_folder, result_folder
from tests.jobs.conftest import job, until

CHILD = ("-m", "backend.jobs.child")


def steps_done(job_id):
    return [int(line) for line in (job_folder(job_id) / "done.txt").read_text().split()]


def test_killed_work_goes_on_where_it_was(python):
    job_id = jobs.submit("count", {"steps": 40, "seconds": 0.03}).id
    child = python(*CHILD, job_id)
    until(lambda: job(job_id).step > 3)
    child.kill()
    child.wait()
    assert not result_folder(job_id).exists()
    assert recover(job_id).state is JobState.QUEUED
    done = jobs.wait(job_id)
    assert (done.state, done.attempt, done.deaths) == (JobState.SUCCEEDED, 2, 1)
    assert done.first_step > 3
    assert len(steps_done(job_id)) <= 41  # one step may have been done twice
    assert done.result["total"] == sum(step**2 for step in range(40))


def test_work_that_is_told_to_end_saves_and_waits(python, monkeypatch):
    monkeypatch.setenv("RESITU_CHECKPOINT_SECONDS", "1000")  # only the last save, which the signal asks for
    job_id = jobs.submit("count", {"steps": 40, "seconds": 0.03}).id
    child = python(*CHILD, job_id)
    until(lambda: job(job_id).step > 3)
    child.terminate()
    assert child.wait(10) == 0
    waiting = job(job_id)
    assert (waiting.state, waiting.deaths) == (JobState.QUEUED, 0)
    assert holder(job_id) is None
    done = jobs.wait(job_id)
    assert done.first_step > 3
    assert steps_done(job_id) == list(range(1, 41))  # nothing was done twice


@pytest.mark.parametrize(("told", "state"), [("end", JobState.QUEUED), ("cancel", JobState.CANCELLED)])
def test_deaf_work_ends_the_hard_way(python, told, state):
    job_id = jobs.submit("sleep", {"seconds": 60}).id
    hurry = "from backend.jobs import child, lease; child.GRACE_S = lease.BEAT_S = .3; child.main({!r})"
    child = python("-c", hurry.format(job_id))
    until((job_folder(job_id) / "asleep").exists)
    if told == "end":
        child.terminate()
    else:
        jobs.cancel(job_id)
    assert child.wait(10) == 0
    assert job(job_id).state is state


def test_a_child_dies_with_its_parent(python):
    job_id = jobs.submit("count", {"steps": 4000}).id
    parent = python("-c", f"from backend.jobs import launch; launch.run({job_id!r})")
    until(lambda: job(job_id).step > 1)
    parent.kill()
    until(lambda: holder(job_id) is None)
    assert job(job_id).state is JobState.QUEUED


def test_a_half_written_result_is_never_seen(python):
    job_id = jobs.submit("slow_result", {"pieces": 20}).id
    python(*CHILD, job_id)
    until(lambda: job(job_id).step > 2)
    seen = []

    def published():
        seen.append(len(list(result_folder(job_id).glob("*"))) if result_folder(job_id).exists() else 0)
        return job(job_id).state.finished

    until(published)
    published()
    assert set(seen) == {0, 20}
    assert len(seen) > 5
    assert not list(job_folder(job_id).glob(".result.*"))


def test_finished_or_held_work_is_not_done(python):
    job_id = jobs.submit("count", {"steps": 2}).id
    jobs.wait(job_id)
    assert python(*CHILD, job_id).wait(20) == NOT_MINE
    assert steps_done(job_id) == [1, 2]


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ("refuse", "DataError", "The file is empty."),
        ("crash", "Defect", "Something broke inside Resitu."),
        ("babble", "Defect", "Something broke inside Resitu."),
        ("eat", "MemoryError", "more memory"),
        ("fill", "DiskFull", "The disk is full."),
    ],
)
def test_failures_are_told_in_words(kind, error, words):
    failed = jobs.wait(jobs.submit(kind, {}).id)
    assert failed.state is JobState.FAILED
    assert failed.error["kind"] == error
    assert words in failed.error["what"]
    assert failed.error["mend"]
    assert not result_folder(failed.id).exists()
    log = (job_folder(failed.id) / "log.txt").read_text()
    assert ("Traceback" in log) == (kind != "refuse")
    assert failed.id in log
    assert jobs.submit(kind, {}).state is JobState.QUEUED  # it may be tried again


def test_cancel_reaches_a_child_that_waits_for_nothing(python):
    job_id = jobs.submit("slow_result", {"pieces": 1000}).id
    child = python(*CHILD, job_id)
    until(lambda: job(job_id).step > 1)
    jobs.cancel(job_id)
    assert child.wait(10) == 0
    assert job(job_id).state is JobState.CANCELLED


def test_interrupt_at_the_shell_queues_again(python):
    job_id = jobs.submit("count", {"steps": 4000}).id
    child = python(*CHILD, job_id)
    until(lambda: job(job_id).step > 1)
    os.kill(child.pid, signal.SIGINT)
    assert child.wait(10) == 0
    assert job(job_id).state is JobState.QUEUED
