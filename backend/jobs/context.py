"""The job as its handler sees it: `backend.training.job.Job`, made real."""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from backend.errors import Stopped
from backend.jobs.lease import Lease
from backend.records import JobStatus, now
from backend.settings import load
from backend.store.layout import job_folder

REPORT_S = 0.5  # the index hears of progress this often; metrics.jsonl hears of every report

log = logging.getLogger("resitu.job")


class Cancelled(Stopped):
    """The user wants nothing of it."""


class MakeRoom(Stopped):
    """The machine shuts down, or the lease is lost: go now, the job resumes from its last checkpoint elsewhere."""


class JobContext:
    """One attempt at one job."""

    def __init__(self, status: JobStatus, lease: Lease, result: Path, ending: threading.Event) -> None:
        self.id, self.settings, self.result = status.id, load(), result
        self.folder = job_folder(status.id)
        self.threads = self.settings.threads
        self.stopped_at: int | None = None  # the step at which the handler was first told to stop
        self.ending = ending  # set by SIGTERM and Ctrl-C
        self._lease = lease
        self._step = 0
        self._resumed = status.attempt > 1 and any((self.folder / "checkpoint").rglob("*.*"))
        self._first_step: int | None = None
        self._told = -math.inf
        if (self.folder / "metrics.jsonl").exists():  # an earlier attempt may have been killed within a line
            self._write_metrics("")
        self._saved = time.monotonic()
        self._saves = False  # whether this handler ever asks for checkpoints
        self._last_save_asked = False

    @cached_property
    def device(self) -> str:
        if self.settings.device == "cpu":  # without asking torch, whose import takes seconds
            return "cpu"
        from backend.training.device import choose_device

        return choose_device(self.settings.device)

    def stage(self, text: str) -> None:
        self._go_on()
        log.info("%s", text)
        self._lease.update(lambda status: status.model_copy(update={"stage": text}))

    def report(self, step: int, steps: int, **metrics: float) -> None:
        self.report_fit("", step, steps, metrics)

    def report_fit(self, fit: str, step: int, steps: int, metrics: dict[str, float]) -> None:
        """Progress of one named fit: a line in metrics.jsonl, and now and then the index."""
        self._go_on()
        if self._first_step is None:
            self._first_step = step if self._resumed else 0
        self._step = step
        # JSON knows no NaN: a metric that is not a number is null.
        numbers = {name: float(value) if math.isfinite(value) else None for name, value in metrics.items()}
        line = {"time": now(), "attempt": self._lease.token, "fit": fit, "step": step, "steps": steps, **numbers}
        self._write_metrics(json.dumps(line, allow_nan=False))
        if step >= steps or time.monotonic() - self._told >= REPORT_S:
            self._told = time.monotonic()
            progress = {"step": step, "steps": steps, "first_step": self._first_step}
            self._lease.update(lambda status: status.model_copy(update=progress))

    def _write_metrics(self, line: str) -> None:
        with (self.folder / "metrics.jsonl").open("a") as file:
            file.write(line + "\n")

    def should_stop(self) -> bool:
        self._go_on()
        if not (self.folder / "stop").exists():
            return False
        if self.stopped_at is None:
            self.stopped_at = self._step
        return True

    def checkpoint_due(self) -> bool:
        self._saves = True
        self._go_on()
        due = time.monotonic() - self._saved >= self.settings.checkpoint_seconds
        if self.ending.is_set():
            self._last_save_asked = due = True  # one last save; the next call of anything raises
        if due:
            self._saved = time.monotonic()
        return due

    def fit_context(self, name: str, seed: int) -> FitContext:
        folder = self.folder / "checkpoint" / name
        folder.mkdir(parents=True, exist_ok=True)
        return FitContext(self.device, seed, self.threads, folder, name, self)

    def _go_on(self) -> None:
        """Raise if there is a reason not to."""
        if (self.folder / "cancel").exists():
            raise Cancelled(self.id)
        if self._lease.lost.is_set():
            raise MakeRoom("another process has taken the job over")
        if self.ending.is_set() and (self._last_save_asked or not self._saves):
            raise MakeRoom("told to end")


@dataclass
class FitContext:
    """What a method may know: `backend.methods.contract.RunContext`."""

    device: str
    seed: int
    threads: int
    folder: Path
    name: str
    job: JobContext

    def report(self, step: int, steps: int, **metrics: float) -> None:
        self.job.report_fit(self.name, step, steps, metrics)

    def should_stop(self) -> bool:
        return self.job.should_stop()

    def checkpoint_due(self) -> bool:
        return self.job.checkpoint_due()
