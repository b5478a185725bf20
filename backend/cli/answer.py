"""What a command gives back, and how it is printed: as JSON for scripts, as text for people."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

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
    print(json.dumps(plain(answer.value), ensure_ascii=False, allow_nan=False) if as_json else answer.text)
    return 0


def print_error(error: dict[str, str], as_json: bool, exit_code: int) -> int:
    if as_json:
        print(json.dumps({"error": error}, ensure_ascii=False))
    else:
        print("\n".join(error[part] for part in ("what", "why", "mend") if error[part]), file=sys.stderr)
    return exit_code


def defect(error: Exception) -> dict[str, str]:
    """An error nobody foresaw: its traceback goes to a file, and the user is told where that is."""
    log = settings.load().home / "defects.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as file:
        file.write("".join(traceback.format_exception(error)) + "\n")
    return {
        "kind": "Defect",
        "what": "Something went wrong inside Resitu.",
        "why": f"{type(error).__name__}: {error}",
        "mend": f"The whole story is at the end of {log}; please report it.",
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
    text = str(value)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def as_facts(facts: dict[str, Any]) -> str:
    width = max(len(name) for name in facts)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in facts.items())


def as_findings(findings: Iterable[Finding]) -> str:
    """The doctor's list: what it refused, mended, asked and noted."""
    return "\n".join(
        f"{finding.grade:<8} {' '.join(part for part in (finding.what, finding.why, finding.mend) if part)}"
        for finding in findings
    )
