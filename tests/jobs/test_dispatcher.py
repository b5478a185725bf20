import os
import signal
import stat

import psutil
import pytest

from backend.jobs import submit as jobs
from backend.jobs.dispatcher import only_one
from backend.jobs.lease import holder
from backend.jobs.workers import workers
from backend.records import JobState
from backend.store.layout import job_folder
from tests.jobs.conftest import job, until

LONG = {"steps": 120, "seconds": 0.05}


@pytest.fixture
def dispatch(python):
    def start():
        process = python("-m", "backend.jobs.dispatcher")
        until(lambda: workers().alive and workers().trainers, 60)
        return process

    return start


def done_steps(job_id):
    return [int(step) for step in (job_folder(job_id) / "done.txt").read_text().split()]


def test_work_goes_through_killed_children_workers_and_dispatchers(dispatch, home):
    assert not workers().alive
    dispatcher = dispatch()
    assert dispatch_twice_is_refused(home)
    for name in ("certificate.pem", "key.pem"):
        assert stat.S_IMODE((home / "tls" / name).stat().st_mode) == 0o600
    assert idle_workers_are_light(dispatcher.pid)

    long = jobs.submit("count", LONG).id
    short = jobs.submit("demo", {"seed": 1}).id  # another lane
    jobs.cancel(short)
    behind = jobs.submit("count", {"steps": 3})
    until(lambda: job(long).step > 5)
    assert jobs.queue_place(behind) == 1

    # A killed child.
    os.kill(holder(long).pid, signal.SIGKILL)
    second = until(lambda: job(long).attempt == 2 and job(long).first_step and job(long))
    assert second.first_step > 5
    assert second.deaths == 1

    # A killed worker: its child ends too, saves, and another goes on.
    child = psutil.Process(holder(long).pid)
    child.parent().kill()
    third = until(lambda: job(long).attempt == 3 and job(long).first_step and job(long))
    assert not child.is_running()
    assert third.first_step > second.first_step

    # A restarted dispatcher.
    dispatcher.terminate()
    assert dispatcher.wait(20) == 0
    assert not workers().alive
    assert job(long).state is JobState.QUEUED
    assert holder(long) is None
    dispatch()
    done = jobs.wait(long, timeout=60)
    assert (done.state, done.attempt) == (JobState.SUCCEEDED, 4)
    assert done.first_step > third.first_step
    assert sorted(set(done_steps(long))) == list(range(1, LONG["steps"] + 1))
    assert done.result["total"] == sum(step**2 for step in range(LONG["steps"]))
    assert jobs.wait(behind.id, timeout=30).state is JobState.SUCCEEDED


def dispatch_twice_is_refused(home):
    with only_one() as alone:
        return not alone


def idle_workers_are_light(pid):
    children = psutil.Process(pid).children(recursive=True)
    return max(child.memory_info().rss for child in children) < 150e6
