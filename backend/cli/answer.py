"""What a command gives back, and how it is printed: as JSON for scripts, as text for people."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

import pandas as pd

from backend import settings
from backend.records import Finding, Record

WIDEST = 60


@dataclass(frozen=True)
class Answer:
    """`value`: a record, a dictionary, or a list of either, for `--json`. `text`: the same for people."""

    value: Any
    text: str


def print_answer(answer: Answer, as_json: bool) -> int:
    _say(json.dumps(plain(answer.value), allow_nan=False) if as_json else answer.text, sys.stdout)
    return 0


def print_error(error: dict[str, str], as_json: bool, exit_code: int) -> int:
    if as_json:
        _say(json.dumps({"error": error}), sys.stdout)
    else:
        _say("\n".join(error[part] for part in ("what", "why", "mend") if error[part]), sys.stderr)
    return exit_code


def _say(text: str, stream: TextIO) -> None:
    """Print in whatever letters the stream knows. Whoever closes the pipe, as `head` does, has read enough."""
    letters = stream.encoding or "utf-8"
    try:
        print(text.encode(letters, "replace").decode(letters), file=stream, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # or the last flush, at exit, would fail too


def defect(error: Exception) -> dict[str, str]:
    """An error nobody foresaw: its traceback goes to a file, and the user is told where that is."""
    log, story = settings.load().home / "defects.log", "".join(traceback.format_exception(error)) + "\n"
    told = f"The whole story is at the end of {log}; please report it."
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", errors="backslashreplace") as file:
            file.write(story)
    except OSError:
        told = f"Please report it with this story:\n{story}"
    return {
        "kind": "Defect",
        "what": "Something went wrong inside Resitu.",
        "why": f"{type(error).__name__}: {error}",
        "mend": told,
    }


def plain(value: Any) -> Any:
    """Records become dictionaries; numbers that JSON cannot hold become null."""
    if isinstance(value, Record):
        return plain(value.model_dump(mode="json"))
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if hasattr(value, "item"):  # a numpy number
        value = value.item()
    return None if isinstance(value, float) and (value != value or abs(value) == float("inf")) else value


def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table as a list of dictionaries, for JSON."""
    return [plain(row) for row in table.to_dict(orient="records")]


def as_table(heads: Sequence[str], lines: Iterable[Sequence[Any]], empty: str) -> str:
    """Columns side by side, each as wide as its widest part, at most `WIDEST` letters; `empty` if there is no line."""
    cells = [[_short(part) for part in line] for line in lines]
    if not cells:
        return empty
    widths = [max(map(len, column)) for column in zip(heads, *cells)]
    rows = ["  ".join(part.ljust(width) for part, width in zip(line, widths)).rstrip() for line in [heads, *cells]]
    return "\n".join(rows)


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    text = one_line(str(value))
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def as_facts(facts: dict[str, Any]) -> str:
    width = max(len(name) for name in facts)
    return "\n".join(f"{name:<{width}}  {one_line(str(value))}" for name, value in facts.items())


def one_line(text: str) -> str:
    """Names come from files: line ends and control characters of a terminal become spaces."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def as_findings(findings: Iterable[Finding]) -> str:
    """The doctor's list: what it refused, mended, asked and noted."""
    return "\n".join(
        f"{finding.grade:<8} {one_line(' '.join(part for part in (finding.what, finding.why, finding.mend) if part))}"
        for finding in findings
    )
