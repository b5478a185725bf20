"""Types of another version of the same data set, cell by cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backend.datasets.naming.found import UNSURE, Found, read_source, still_true
from backend.records import DatasetRecord
from backend.store import matrix

if TYPE_CHECKING:
    from backend.training.job import Job


def by_inheritance(record: DatasetRecord, params: dict[str, Any], job: Job) -> Found:
    """params: base, an annotation of another version. Cells that it does not know become "unsure"."""
    job.stage("taking the names over")
    base = read_source(record, params["base"])
    cells = matrix.obs(record.id, []).index
    table = base.cells.reindex(cells)
    missing = table["type"].isna().to_numpy()
    types = table["type"].where(~missing, UNSURE).to_numpy(dtype=object)
    extra = {name: table[name].to_numpy() for name in base.extra}
    sentence = f"{base.sentence} Taken over from another version of the data"
    if missing.any():
        sentence += f"; {missing.sum():,} cells that it does not name are unsure"
    probability = table["probability"].to_numpy(dtype=np.float32)
    found = Found(types, probability, f"{sentence}.", still_true(base, extra), base.tables, extra)
    found.facts.update({"types": len(found.names), "not_named": int(missing.sum())})
    return found
