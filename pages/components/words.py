"""How things are said: names made safe for markdown, times, durations, counts."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from backend import api
from backend.records import JobState, RunRecord

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>$:^=])")
_FLAG = re.compile(r"--([a-z]+(?:-[a-z]+)*)(?: (um|mm|px|X|tissue|reference|validation)\b)?( (?=--))?")
QUESTIONS = {
    "unit": "Unit of the coordinates",
    "um_per_px": "Micrometres per pixel",
    "species": "Species",
    "gene_ids": "Gene names are",
    "counts_from": "Counts are in",
    "type_column": "Cell types are in",
    "section_column": "Sections are in",
    "sample_column": "Samples are in",
    "patient_column": "Patients are in",
    "condition_column": "Conditions are in",
    "spots": "Each unit is",
    "keep": "Keep",
}
ANSWERS = {
    "um": "micrometres (µm)", "mm": "millimetres (mm)", "px": "pixels", "ensembl": "Ensembl ids",
    "symbol": "symbols", "yes": "a spot of several cells", "no": "a single cell",
}  # fmt: skip
_ADDRESS = re.compile(r"\b(?:https?|ftp|www)(?=[:.])|@", re.IGNORECASE)
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
    # What looks like an address becomes a link even when escaped; an invisible joiner in it stops that.
    literal = _ADDRESS.sub("\\g<0>\u2060", str(text).replace("\n", " "))
    return _MARKDOWN.sub(r"\\\1", literal)


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


def method_title(name: str) -> str:
    """`SpaGene` for `spagene`."""
    card = api.cards().get(name)
    return card.title if card else name


def run_label(run: RunRecord) -> str:
    """`SCXM, mlp, 12 epochs, seed 0`. It never changes: a widget knows its options by what it shows."""
    epochs = run.config.get("epochs")
    parts = (method_title(run.method), run.config.get("encoder"), epochs and count(epochs, "epoch"), f"seed {run.seed}")
    return ", ".join(str(part) for part in parts if part)


def without_flags(text: str) -> str:
    """A sentence that names command-line flags (`--unit px`), with the question's label in their place."""
    return _FLAG.sub(_as_label, text)


def _as_label(found: re.Match[str]) -> str:
    flag, value, another = found.groups()
    if flag == "role" and value:
        return str(value)
    label = QUESTIONS.get(flag.replace("-", "_"), flag.replace("-", " "))
    told = f": {ANSWERS.get(value, value)}" if value else ""
    return f"“{label}”{told}{', ' if another else ''}"


def provenance(run: RunRecord, cells: int, measured_on: str) -> str:
    """The line under a figure: n, method, seed, what it was measured on."""
    return f"{count(cells, 'cell')} · {method_title(run.method)} v{run.version}, seed {run.seed} · {measured_on}"
