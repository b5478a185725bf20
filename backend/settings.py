"""One frozen `Settings`, read from the environment once per call of `load`.

| variable | meaning | default |
| --- | --- | --- |
| `RESITU_HOME` | the data root | `.resitu` in the project's folder |
| `RESITU_FOLDERS` | server folders from which data may be added, separated by `:` | `<RESITU_HOME>/inbox` |
| `RESITU_THREADS` | threads of one numerical job (part of what makes a result repeatable) | 2, or 1 on one core |
| `RESITU_SCHEDULER` | address of a Dask scheduler to use instead of a local one | none |
| `RESITU_DEVICE` | `cpu`, `cuda`, or `auto` | `auto` |
| `RESITU_MAX_UPLOAD_MB` | the largest file, after unpacking too | 4096 |
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    home: Path
    folders: tuple[Path, ...]
    threads: int
    scheduler: str | None
    device: str
    max_upload_mb: int


def load() -> Settings:
    """Read the environment. Paths are made absolute; nothing is created here."""
    home = Path(os.environ.get("RESITU_HOME") or PROJECT / ".resitu").expanduser().resolve()
    named = [part for part in os.environ.get("RESITU_FOLDERS", "").split(":") if part]
    folders = tuple(Path(part).expanduser().resolve() for part in named) or (home / "inbox",)
    return Settings(
        home=home,
        folders=folders,
        threads=int(os.environ.get("RESITU_THREADS") or min(2, os.cpu_count() or 1)),
        scheduler=os.environ.get("RESITU_SCHEDULER") or None,
        device=os.environ.get("RESITU_DEVICE") or "auto",
        max_upload_mb=int(os.environ.get("RESITU_MAX_UPLOAD_MB") or 4096),
    )
