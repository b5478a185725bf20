"""One frozen `Settings`, read from the environment once per call of `load`.

| variable | meaning | default |
| --- | --- | --- |
| `RESITU_HOME` | the data root | `.resitu` in the project's folder |
| `RESITU_FOLDERS` | server folders from which data may be added, separated by `:` | `<RESITU_HOME>/inbox` |
| `RESITU_THREADS` | threads of one numerical job (part of what makes a result repeatable) | 2, or 1 on one core |
| `RESITU_SCHEDULER` | address of a Dask scheduler to use instead of a local one | none |
| `RESITU_DEVICE` | `cpu`, `cuda`, or `auto` | `auto` |
| `RESITU_MAX_UPLOAD_MB` | the largest file, after unpacking too | 4096 |
| `RESITU_PORT` | the dashboard's port; the next free one if it is taken | 8501 |
| `RESITU_ADDRESS` | the address that the dashboard listens on; there is no sign-in | `127.0.0.1` |
| `RESITU_CHECKPOINT_SECONDS` | time between two checkpoints of a training; changes no number | 10 |
| `RESITU_CACHE_GB` | memory in which a training keeps what a backbone's frozen blocks made; changes the time, and the result by rounding only | 4 |
| `RESITU_HANDLERS` | further kinds of job, `kind=module:function`, separated by commas | none |
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from backend.errors import UserError

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    home: Path
    folders: tuple[Path, ...]
    threads: int
    scheduler: str | None
    device: str
    max_upload_mb: int
    port: int = 8501
    address: str = "127.0.0.1"
    checkpoint_seconds: float = 10.0
    cache_gb: float = 4.0
    handlers: tuple[tuple[str, str], ...] = ()


def load() -> Settings:
    """Read the environment. Paths are made absolute; nothing is created here."""
    home = Path(os.environ.get("RESITU_HOME") or PROJECT / ".resitu").expanduser().resolve()
    named = [part for part in os.environ.get("RESITU_FOLDERS", "").split(":") if part]
    folders = tuple(Path(part).expanduser().resolve() for part in named) or (home / "inbox",)
    handlers = [
        part.strip().partition("=") for part in os.environ.get("RESITU_HANDLERS", "").split(",") if part.strip()
    ]
    return Settings(
        home=home,
        folders=folders,
        threads=int(_number("RESITU_THREADS", min(2, os.cpu_count() or 1))),
        scheduler=os.environ.get("RESITU_SCHEDULER") or None,
        device=os.environ.get("RESITU_DEVICE") or "auto",
        max_upload_mb=int(_number("RESITU_MAX_UPLOAD_MB", 4096)),
        port=int(_number("RESITU_PORT", 8501)),
        address=os.environ.get("RESITU_ADDRESS") or "127.0.0.1",
        checkpoint_seconds=_number("RESITU_CHECKPOINT_SECONDS", 10),
        cache_gb=_number("RESITU_CACHE_GB", 4),
        handlers=tuple((kind, target) for kind, _, target in handlers),
    )


def _number(variable: str, default: float) -> float:
    text = os.environ.get(variable) or str(default)
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (number >= 0 and math.isfinite(number)):
        raise UserError(f"{variable} is {text!r}.", "It must be a number.", "Set it to one, or unset it.")
    return number
