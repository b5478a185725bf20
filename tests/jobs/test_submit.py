import json

import pytest

from backend.errors import InUse, NotFound
from backend.jobs import submit as jobs
from backend.jobs.lease import take
from backend.records import JobState
from backend.store.layout import job_folder, result_folder
from tests.jobs.conftest import job, until

STEPS = {"steps": 5}


def test_equal_work_is_one_job():
    first = jobs.submit("count", STEPS)
    assert first.state is JobState.QUEUED
    assert jobs.submit("count", dict(STEPS)) == first
    assert jobs.submit("count", {"steps": 6}).id != first.id


def test_unknown_work_is_refused():
    for kind in ("knit", "os:system", "tests.jobs.toys:count"):
        with pytest.raises(NotFound):
            jobs.submit(kind, {})


def test_wait_does_the_work_where_nobody_else_would():
    seen = []
    done = jobs.wait(jobs.submit("count", STEPS).id, on_progress=seen.append)
    assert done.state is JobState.SUCCEEDED
    assert done.result == {"total": 0 + 1 + 4 + 9 + 16, "stopped_at": None}
    assert (done.attempt, done.step, done.steps, done.first_step) == (1, 5, 5, 0)
    assert json.loads((result_folder(done.id) / "total.json").read_text())["step"] == 5
    assert not (job_folder(done.id) / "checkpoint").exists()
    assert not (job_folder(done.id) / "lease.json").exists()
    assert seen[-1] == done


def test_done_work_is_not_done_again_unless_its_result_is_gone():
    done = jobs.wait(jobs.submit("count", STEPS).id)
    assert jobs.submit("count", STEPS) == done
    result_folder(done.id).rename(job_folder(done.id) / "elsewhere")
    assert jobs.submit("count", STEPS).state is JobState.QUEUED


def test_two_waiters_at_once_run_it_once(python):
    work = "from backend.jobs import submit as jobs; print(jobs.wait(jobs.submit('count', {'steps': 20}).id).state)"
    waiters = [python("-c", work) for _ in range(3)]
    assert [waiter.wait(30) for waiter in waiters] == [0, 0, 0]
    done = jobs.submit("count", {"steps": 20})
    assert (done.state, done.attempt) == (JobState.SUCCEEDED, 1)
    assert (job_folder(done.id) / "done.txt").read_text().split() == [str(step) for step in range(1, 21)]


def test_wait_gives_up_when_its_time_is_over():
    waiting = jobs.submit("count", {"steps": 500})
    assert jobs.wait(waiting.id, timeout=1.5).state is JobState.QUEUED  # it saved, and queued itself again
    jobs.cancel(waiting.id)


def test_stopped_work_keeps_what_it_has_and_goes_on_later(python):
    steps = {"steps": 40, "seconds": 0.05}
    job_id = jobs.submit("count", steps).id
    python("-m", "backend.jobs.child", job_id)
    until(lambda: job(job_id).step > 3)
    jobs.stop(job_id)
    stopped = until(lambda: job(job_id).state.finished and job(job_id))
    assert stopped.state is JobState.STOPPED
    assert 3 < stopped.stopped_at < 40
    assert (result_folder(job_id) / "total.json").exists()

    again = jobs.submit("count", steps)
    assert (again.state, again.stopped_at) == (JobState.QUEUED, stopped.stopped_at)
    done = jobs.wait(job_id)
    assert done.state is JobState.SUCCEEDED
    assert done.first_step == stopped.stopped_at + 1
    assert (job_folder(job_id) / "done.txt").read_text().split() == [str(step) for step in range(1, 41)]
    assert done.result["total"] == sum(step**2 for step in range(40))


def test_cancelled_work_leaves_no_result(python):
    job_id = jobs.submit("count", {"steps": 400}).id
    python("-m", "backend.jobs.child", job_id)
    until(lambda: job(job_id).step > 1)
    jobs.cancel(job_id)
    assert until(lambda: job(job_id).state.finished and job(job_id)).state is JobState.CANCELLED
    assert not result_folder(job_id).exists()


def test_queued_work_ends_at_once():
    job_id = jobs.submit("count", STEPS).id
    assert jobs.stop(job_id).state is JobState.CANCELLED  # it has nothing to keep
    assert jobs.submit("count", STEPS).state is JobState.QUEUED
    assert jobs.cancel(job_id).state is JobState.CANCELLED
    assert jobs.wait(job_id).state is JobState.CANCELLED


def test_places_in_the_queue():
    first, second = jobs.submit("count", STEPS), jobs.submit("count", {"steps": 6})
    other_lane = jobs.submit("demo", {"seed": 0})
    assert [jobs.queue_place(waiting) for waiting in (first, second, other_lane)] == [1, 2, 1]
    lease = take(first.id)
    assert [jobs.queue_place(job(waiting.id)) for waiting in (first, second)] == [0, 1]
    lease.release()


def test_forgotten_work_can_be_done_anew():
    job_id = jobs.submit("count", STEPS).id
    with pytest.raises(InUse):
        jobs.forget(job_id)
    jobs.wait(job_id)
    jobs.forget(job_id)
    assert not job_folder(job_id).exists()
    with pytest.raises(NotFound):
        jobs.status(job_id)
    assert jobs.submit("count", STEPS).state is JobState.QUEUED
