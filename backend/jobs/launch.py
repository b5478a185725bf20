"""Start a job's own process. This is all that a Dask worker imports: no torch, no numpy."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from backend.jobs.child import GRACE_S, NOT_MINE
from backend.jobs.lease import recover
from backend.records import JobStatus
from backend.settings import PROJECT, load
from backend.store import index
from backend.store.layout import job_folder

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS")


def start(job_id: str) -> subprocess.Popen[bytes]:
    """The child's output goes to jobs/<id>/log.txt."""
    folder = job_folder(job_id)
    folder.mkdir(parents=True, exist_ok=True)
    settings = load()
    environment = {
        **os.environ,
        **dict.fromkeys(THREADS, str(settings.threads)),
        # Waiting threads sleep: spinning ones make two jobs on two cores some ten times slower than one.
        "OMP_WAIT_POLICY": "PASSIVE",
        "RESITU_HOME": str(settings.home),
        "RESITU_PARENT": str(os.getpid()),
        "PYTHONHASHSEED": "0",  # no result depends on the order of a set
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    }
    with (folder / "log.txt").open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "backend.jobs.child", job_id],
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def run(job_id: str, must_end: Callable[[], bool] = lambda: False) -> None:
    """Start the child, wait for it, and queue the job again if the child died."""
    attempt = index.get(JobStatus, job_id).attempt
    process = start(job_id)
    try:
        while process.poll() is None and not must_end():
            time.sleep(0.1)
    finally:
        end(process)
    in_order = process.returncode in (0, NOT_MINE, -signal.SIGTERM, -signal.SIGINT)
    recover(job_id, not_started_after=None if in_order else attempt)


def run_on_worker(job_id: str) -> None:
    """The task of a Dask worker: `run`, until the worker must close."""
    from distributed import Status, get_worker

    worker = get_worker()
    run(job_id, must_end=lambda: worker.status not in (Status.running, Status.paused))


def end(process: subprocess.Popen[bytes]) -> None:
    """Let it save and go; end it the hard way when it does not."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(GRACE_S + 4)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
