"""What a job reported while it ran: metrics.jsonl as a table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from backend.store.layout import job_folder

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("time", "attempt", "fit", "step", "steps")


def metrics(job_id: str) -> pd.DataFrame:
    """One row per report, oldest first: `COLUMNS`, then the metrics by name. Empty before the first report.

    A killed attempt reported steps beyond its last checkpoint, which the next attempt did again: only the later
    rows are kept. A last line that is not finished yet is left out."""
    import pandas as pd

    path = job_folder(job_id) / "metrics.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    table = pd.DataFrame([row for row in map(_parse, lines) if row is not None])
    if table.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    keep = pd.Series(True, index=table.index)
    for (fit, attempt), rows in table.groupby(["fit", "attempt"], sort=False):
        earlier = (table["fit"] == fit) & (table["attempt"] < attempt)
        keep &= ~(earlier & (table["step"] >= rows["step"].min()))
    return table[keep].reset_index(drop=True)


def _parse(line: str) -> dict[str, object] | None:
    try:
        row = json.loads(line)
    except ValueError:  # torn by a kill, or still being written
        return None
    return row if isinstance(row, dict) else None
