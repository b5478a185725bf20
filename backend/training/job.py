"""What a job's handler sees of the job that runs it. Types only, so that handlers know no queue and no cluster.

A handler is `def handler(params: dict[str, Any], job: Job) -> dict[str, Any]`: it writes files into `job.result` and
returns the small JSON result. `"stopped_at": step` in it says that the job finished early and kept what it had.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from backend.methods.contract import RunContext
    from backend.settings import Settings


class Job(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def folder(self) -> Path:
        """jobs/<id>: outlives an attempt."""
        ...

    @property
    def result(self) -> Path:
        """A private, empty folder; it becomes jobs/<id>/result in whole when the handler returns."""
        ...

    @property
    def settings(self) -> Settings: ...
    @property
    def device(self) -> str:
        """ "cpu" or "cuda". Imports torch."""
        ...

    @property
    def threads(self) -> int: ...

    def stage(self, text: str) -> None:
        """Say what is being done, in words."""
        ...

    def report(self, step: int, steps: int, **metrics: float) -> None:
        """`step` steps of `steps` are done. Raises `Stopped` when the job was cancelled or must make room."""
        ...

    def should_stop(self) -> bool:
        """True: finish early and keep what there is. Raises `Stopped` when the job was cancelled or must make room."""
        ...

    def checkpoint_due(self) -> bool:
        """True: save now. Depends on the clock, so it must not change any number."""
        ...

    def fit_context(self, name: str, seed: int) -> RunContext:
        """What one fit of this job may know; its checkpoints lie in jobs/<id>/checkpoint/<name>."""
        ...
