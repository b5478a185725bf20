"""A job for handlers to run under: what `backend.training.job.Job` promises, as far as data sets need it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from backend.settings import Settings, load


@dataclass
class Desk:
    result: Path
    stages: list[str] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        return load()

    def stage(self, text: str) -> None:
        self.stages.append(text)
