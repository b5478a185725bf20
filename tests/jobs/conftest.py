import os
import signal
import subprocess
import sys
import time

import pytest

from backend.records import JobStatus
from backend.settings import PROJECT
from backend.store import index

TOYS = ("count", "slow_result", "sleep", "refuse", "crash", "eat", "fill", "babble", "leave")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("RESITU_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RESITU_CHECKPOINT_SECONDS", "0")
    monkeypatch.setenv("RESITU_DEVICE", "cpu")
    monkeypatch.setenv("RESITU_HANDLERS", ",".join(f"{toy}=tests.jobs.toys:{toy}" for toy in TOYS))
    return tmp_path / "home"


@pytest.fixture
def python():
    """Start `python -m ...` or `python -c ...`; whatever still runs at the end of the test is killed."""
    started = []

    def start(*arguments):
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen([sys.executable, *arguments], cwd=PROJECT, env=environment)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def until(true, seconds=60.0):
    """Wait until `true()` is; its value."""
    deadline = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return value


def job(job_id):
    return index.get(JobStatus, job_id)
