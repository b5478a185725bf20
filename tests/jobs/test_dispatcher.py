import os
import signal
import socket
import ssl
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
        until(lambda: workers().alive and workers().trainers)
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
    assert strangers_are_refused(dispatcher.pid)

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
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
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


def strangers_are_refused(pid):
    """Every port listens on loopback only, and gives nothing to TLS without our certificate."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    listening = [port.laddr for process in family for port in process.net_connections() if port.status == "LISTEN"]
    assert {address.ip for address in listening} == {"127.0.0.1"}
    refusals = [knock(address) for address in listening]
    assert sum("CERTIFICATE_REQUIRED" in refusal for refusal in refusals) >= 3  # the scheduler, and both workers
    return all(refusals)


def knock(address):
    """Why this port does not talk to a stranger; "" if it does."""
    stranger = ssl.create_default_context()
    stranger.check_hostname, stranger.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(address, timeout=1) as plain, stranger.wrap_socket(plain) as encrypted:
            encrypted.recv(1)  # TLS 1.3: the refusal of the missing certificate arrives here
            return ""
    except OSError as refusal:
        return str(refusal)


def idle_workers_are_light(pid):
    children = psutil.Process(pid).children(recursive=True)
    return max(child.memory_info().rss for child in children) < 150e6
