"""Who holds a job. One process at a time: it beats, and whatever it writes is fenced by its token.

A lease is taken inside an index transaction and named by `JobStatus.attempt`, which rises each time. A process whose
lease was taken over (it slept, or hung) finds another attempt in the index and can write nothing any more.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from backend.records import JobState, JobStatus, now
from backend.store import index
from backend.store.layout import job_folder, read_json, write_json

log = logging.getLogger("resitu.job")

BEAT_S = 2.0
STALE_S = 15.0  # without a beat, on another machine
HUNG_S = 120.0  # without a beat, while the process lives on this machine: long calls into C may block the beat
MAX_DEATHS = 3

LOST_WORDS = {
    "kind": "Lost",
    "what": f"This job was given up: its process ended {MAX_DEATHS} times without a word.",
    "why": "Usually the machine ran out of memory, and the system ended the process.",
    "mend": "Close other programs, or choose fewer cells or a smaller preset; then start it again.",
}


class LeaseLost(Exception):
    """Another process took the job over; this one must write nothing more."""


@dataclass(frozen=True)
class Beat:
    """A living process, as a file tells of it."""

    pid: int
    host: str
    born: float  # when the process began: pids are used again
    beat: float

    @staticmethod
    def of_this_process() -> Beat:
        return Beat(os.getpid(), socket.gethostname(), psutil.Process().create_time(), time.time())

    @property
    def here(self) -> bool:
        return self.host == socket.gethostname()

    @property
    def running(self) -> bool:
        """Whether the process exists; only meaningful `here`."""
        try:
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.born) < 1 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    def alive(self, hung_s: float = HUNG_S) -> bool:
        age_s = time.time() - self.beat
        return self.running and age_s < hung_s if self.here else age_s < STALE_S


def read_beat(path: Path) -> Beat | None:
    try:
        told = json.loads(path.read_text())
        return Beat(int(told["pid"]), str(told["host"]), float(told["born"]), float(told["beat"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def holder(job_id: str) -> Beat | None:
    """The process that holds the job, if it lives."""
    beat = read_beat(job_folder(job_id) / "lease.json")
    return beat if beat and beat.alive() else None


class Lease:
    """Held by this process under `token`. `lost` is set as soon as another process is seen to hold the job."""

    def __init__(self, job_id: str, token: int) -> None:
        self.job_id, self.token = job_id, token
        self.lost = threading.Event()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def update(self, change: Callable[[JobStatus], JobStatus]) -> None:
        """Change the job's status, or raise `LeaseLost`."""
        with self.fenced() as status:
            index.put(change(status))

    @contextlib.contextmanager
    def fenced(self) -> Iterator[JobStatus]:
        """A transaction in which the job is certainly ours. Raises `LeaseLost`."""
        with index.transaction():
            status = index.get(JobStatus, self.job_id)
            if status.attempt != self.token or status.state is not JobState.RUNNING:
                self.lost.set()
                raise LeaseLost(f"{self.job_id}: attempt {self.token} is over, {status.attempt} is {status.state}")
            yield status

    def start_beating(self, also: Callable[[], None] = lambda: None) -> None:
        """Beat in a thread until `release`; `also` is called at each beat."""

        def beat() -> None:
            while not self._ended.wait(BEAT_S):
                also()
                try:
                    with contextlib.suppress(LeaseLost), self.fenced():
                        _write(self.job_id, self.token)
                except Exception:  # a full disk must not end the beat for good
                    log.exception("no beat of %s", self.job_id)

        self._thread = threading.Thread(target=beat, name="lease", daemon=True)
        self._thread.start()

    def release(self) -> None:
        """Stop beating. The file goes too, unless it is another's by now."""
        self._ended.set()
        if self._thread:
            self._thread.join()
        path = job_folder(self.job_id) / "lease.json"
        with index.transaction(), contextlib.suppress(OSError, ValueError):
            if read_json(path)["token"] == self.token:
                path.unlink()


def _write(job_id: str, token: int) -> None:
    write_json(job_folder(job_id) / "lease.json", {"token": token, **asdict(Beat.of_this_process())})


def take(job_id: str) -> Lease | None:
    """Take a queued job, or one whose holder is gone. None: it is finished, or somebody holds it."""
    with index.transaction():
        status = index.get(JobStatus, job_id)
        if status.state.finished or (status.state is JobState.RUNNING and holder(job_id)):
            return None
        token = status.attempt + 1
        changes = {"state": JobState.RUNNING, "attempt": token, "started": now(), "first_step": 0, "finished": None}
        _write(job_id, token)
        index.put(status.model_copy(update=changes))
    return Lease(job_id, token)


def recover(job_id: str, not_started_after: int | None = None) -> JobStatus:
    """Queue a job again whose holder died; give it up after `MAX_DEATHS`. A held or finished job stays as it is.

    not_started_after: the attempt that stood when a process was started which ended before it took the lease."""
    with index.transaction():
        status = index.get(JobStatus, job_id)
        died = status.state is JobState.RUNNING and holder(job_id) is None
        never_started = status.state is JobState.QUEUED and status.attempt == not_started_after
        if not died and not never_started:
            return status
        deaths = status.deaths + 1
        if deaths < MAX_DEATHS:
            changed = status.model_copy(update={"state": JobState.QUEUED, "deaths": deaths, "stage": ""})
        else:
            lost = {"state": JobState.LOST, "deaths": deaths, "error": LOST_WORDS, "finished": now()}
            changed = status.model_copy(update=lost)
        index.put(changed)
        return changed
