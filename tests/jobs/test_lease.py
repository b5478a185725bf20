import json
import os
import signal
import time

import pytest

from backend.jobs import submit as jobs
from backend.jobs.lease import HUNG_S, STALE_S, Beat, LeaseLost, holder, recover, take
from backend.records import JobState
from backend.store.layout import job_folder, result_folder
from tests.jobs.conftest import job, until


def age(job_id, seconds, **changes):
    """Make the job's lease look older."""
    path = job_folder(job_id) / "lease.json"
    told = json.loads(path.read_text())
    path.write_text(json.dumps({**told, "beat": told["beat"] - seconds, **changes}))


def test_a_held_job_is_not_taken_again():
    job_id = jobs.submit("count", {"steps": 1}).id
    lease = take(job_id)
    assert take(job_id) is None
    assert recover(job_id).state is JobState.RUNNING
    lease.release()


def test_beats_tell_the_living_from_the_dead():
    me = Beat.of_this_process()
    assert me.alive()
    assert not Beat(me.pid, me.host, me.born - 50, me.beat).alive()  # the pid belongs to another process now
    assert not Beat(me.pid, me.host, me.born, me.beat - HUNG_S - 1).alive()
    assert Beat(me.pid, "elsewhere", 0.0, time.time()).alive()
    assert not Beat(me.pid, "elsewhere", 0.0, time.time() - STALE_S - 1).alive()


def test_a_taken_over_lease_writes_nothing():
    job_id = jobs.submit("count", {"steps": 1}).id
    old = take(job_id)
    age(job_id, HUNG_S + 1)
    new = take(job_id)
    assert (old.token, new.token) == (1, 2)
    with pytest.raises(LeaseLost):
        old.update(lambda status: status.model_copy(update={"stage": "from the grave"}))
    assert old.lost.is_set()
    old.release()
    assert holder(job_id)  # the new one's file stays
    new.update(lambda status: status.model_copy(update={"stage": "alive"}))
    assert job(job_id).stage == "alive"
    new.release()


def test_a_child_that_wakes_up_too_late_publishes_nothing(python, capfd):
    job_id = jobs.submit("sleep", {"seconds": 2}).id
    old = python("-m", "backend.jobs.child", job_id)
    until((job_folder(job_id) / "asleep").exists)
    os.kill(old.pid, signal.SIGSTOP)
    age(job_id, HUNG_S + 1)
    assert recover(job_id).state is JobState.QUEUED
    done = jobs.wait(job_id)
    assert (done.state, done.attempt) == (JobState.SUCCEEDED, 2)
    published = result_folder(job_id).stat()
    os.kill(old.pid, signal.SIGCONT)
    assert old.wait(20) == 0
    assert job(job_id) == done
    assert result_folder(job_id).stat().st_ino == published.st_ino
    assert "nothing was written" in capfd.readouterr().err


def test_deaths_are_counted_and_end_in_words():
    job_id = jobs.submit("leave", {}).id
    lost = jobs.wait(job_id)
    assert (lost.state, lost.deaths, lost.attempt) == (JobState.LOST, 3, 3)
    assert "memory" in lost.error["why"]
    assert jobs.submit("leave", {}).deaths == 0
