"""How things are said: names made safe for markdown, times, durations, counts."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from backend.records import JobState, JobStatus, RunRecord

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>$:^=])")
STATES = {
    JobState.QUEUED: "waiting",
    JobState.RUNNING: "running",
    JobState.SUCCEEDED: "done",
    JobState.STOPPED: "stopped early, kept",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "cancelled",
    JobState.LOST: "lost",
}


def plain(text: object) -> str:
    """A file name, label or gene as markdown shows it literally: nothing in it is a command."""
    return _MARKDOWN.sub(r"\\\1", str(text).replace("\n", " "))


def count(number: float, noun: str) -> str:
    """`4,000 cells`, `1 cell`."""
    return f"{number:,.0f} {noun}" if number == 1 else f"{number:,.0f} {noun}s"


def duration(minutes: float) -> str:
    """`under a minute`, `about 4 min`, `about 2 h`."""
    if minutes < 1:
        return "under a minute"
    return f"about {minutes:.0f} min" if minutes < 90 else f"about {minutes / 60:.1f} h"


def when(iso: str) -> str:
    """`3 min ago`, `5 h ago`, `12 May 2026`."""
    then = datetime.fromisoformat(iso)
    minutes = (datetime.now(UTC) - then).total_seconds() / 60
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes:.0f} min ago"
    return f"{minutes / 60:.0f} h ago" if minutes < 60 * 24 else f"{then.day} {then:%b %Y}"


def run_label(run: RunRecord, job: JobStatus | None) -> str:
    """`SCXM, 3 min ago, seed 0: done`."""
    state = f": {STATES[job.state]}" if job else ""
    return f"{run.method.upper()}, {when(run.created)}, seed {run.seed}{state}"


def provenance(run: RunRecord, cells: int, measured_on: str) -> str:
    """The line under a figure: n, method, seed, what it was measured on."""
    return f"{cells:,} cells · {run.method.upper()} v{run.version}, seed {run.seed} · {measured_on}"
