"""Fits as checkpointed steps of a job: one that was completed is read back, not done again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from backend.methods.contract import Config, Fitted, Method, PairedData, RunContext
from backend.store.layout import whole_folder
from backend.training.job import Job

FITTED = "fitted"


class Part:
    """A fit's `RunContext` that reports its steps as part of several fits: the same fits in the same order, each
    counted as equally long."""

    def __init__(self, inner: RunContext, done: int, fits: int) -> None:
        self.device, self.seed, self.threads, self.folder = inner.device, inner.seed, inner.threads, inner.folder
        self.step = 0
        self._inner, self._done, self._fits = inner, done, fits

    def report(self, step: int, steps: int, **metrics: float) -> None:
        self.step = self._done * steps + step
        self._inner.report(self.step, self._fits * steps, **metrics)

    def should_stop(self) -> bool:
        return self._inner.should_stop()

    def checkpoint_due(self) -> bool:
        return self._inner.checkpoint_due()


class Quiet:
    """For predicting: reports nothing and is not cut short, but still leaves when the job is cancelled."""

    def __init__(self, inner: RunContext) -> None:
        self.device, self.seed, self.threads, self.folder = inner.device, inner.seed, inner.threads, inner.folder
        self._inner = inner

    def report(self, step: int, steps: int, **metrics: float) -> None:
        self._inner.should_stop()  # raises when cancelled

    def should_stop(self) -> bool:
        self._inner.should_stop()
        return False

    def checkpoint_due(self) -> bool:
        return False


@dataclass
class Fits:
    """The fits of one run. step: how far the job had come when the last of them reported."""

    method: Method
    config: Config
    seed: int
    job: Job
    count: int
    done: int = 0
    step: int = 0

    def fit(self, name: str, data: PairedData) -> Fitted:
        """The fit of this name, trained or read back. One that was stopped early is not counted as done."""
        inner = self.job.fit_context(name, self.seed)
        folder = inner.folder / FITTED
        if not (folder / "manifest.json").exists():
            part = Part(inner, self.done, self.count)
            try:
                fitted = self.method.fit(data, self.config, part)
            finally:
                self.step = max(self.step, part.step)
            if fitted.stopped_at is not None:
                return fitted
            _save(fitted, folder)
        self.done += 1
        # Read back even what was just trained, so that a resumed run cannot differ from an undisturbed one.
        return self.method.load(folder)

    def quiet(self, name: str) -> Quiet:
        return Quiet(self.job.fit_context(name, self.seed))


def _save(fitted: Fitted, folder: Path) -> None:
    with whole_folder(folder) as partial:
        fitted.save(partial)
