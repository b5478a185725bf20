"""Measuring: a row of the table, a job with all that it takes, a process until it answers."""

from __future__ import annotations

import datetime
import resource
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from backend import api
from backend.records import JobState, JobStatus

POLL_S = 0.05


@dataclass(frozen=True)
class Row:
    """One line of the table. goal: the most that is wanted, in the same unit; None: there is none."""

    what: str
    value: float
    unit: str
    goal: float | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.goal is None:
            return ""
        return "met" if self.value <= self.goal else "MISSED"


@dataclass(frozen=True)
class Job:
    """One job, done in a child process. wall_s: from asking to the result, process start included; computing_s: from
    when the child took it; cpu_s: of the child, all threads; peak_gb: its resident memory."""

    status: JobStatus
    wall_s: float
    computing_s: float
    cpu_s: float
    peak_gb: float

    def row(self, what: str, goal_s: float | None = None) -> Row:
        note = f"computing {self.computing_s:.1f} s, CPU {self.cpu_s:.1f} s, peak {self.peak_gb:.2f} GB"
        return Row(what, self.wall_s, "s", goal_s, note)


def do_job(ask: Callable[[], JobStatus]) -> Job:
    """Ask for a job, wait for it, and say what it took. Stops the benchmark if it fails."""
    before, began = _children_cpu_s(), time.perf_counter()
    with _Peak() as peak:
        done = api.wait(ask().id)
    wall_s = time.perf_counter() - began
    if done.state is not JobState.SUCCEEDED or done.started is None or done.finished is None:
        raise SystemExit(f"{done.id} ended {done.state}: {done.error}")
    taken, finished = (datetime.datetime.fromisoformat(text) for text in (done.started, done.finished))
    return Job(done, wall_s, (finished - taken).total_seconds(), _children_cpu_s() - before, peak.bytes / 1e9)


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class _Peak:
    """The largest resident memory of all processes that this one started, together, while the block runs."""

    def __init__(self) -> None:
        self.bytes = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> _Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(POLL_S):
            self.bytes = max(self.bytes, memory_bytes(psutil.Process()))


def memory_bytes(parent: psutil.Process, *, itself: bool = False) -> int:
    """Resident memory of a process's descendants, and with `itself` its own."""
    total = 0
    for process in parent.children(recursive=True) + ([parent] if itself else []):
        try:
            total += process.memory_info().rss
        except psutil.Error:
            continue
    return total


def median_s(act: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        taken.append(time.perf_counter() - began)
    return sorted(taken)[times // 2]
