"""Job handler: names for the cells of a data set, whichever way was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd

from backend.datasets.naming.cell_groups import by_groups
from backend.datasets.naming.celltypist_model import by_model
from backend.datasets.naming.clusters import by_clusters
from backend.datasets.naming.edits import by_edit
from backend.datasets.naming.found import Found
from backend.datasets.naming.inherit import by_inheritance
from backend.datasets.naming.marker_lists import by_markers
from backend.datasets.naming.transfer import by_reference
from backend.records import DatasetRecord
from backend.store import index, matrix

if TYPE_CHECKING:
    from backend.training.job import Job

WAYS: dict[str, Callable[[DatasetRecord, dict[str, Any], Job], Found]] = {
    "transfer": by_reference,
    "leiden": by_clusters,
    "inherit": by_inheritance,
    "markers": by_markers,
    "celltypist": by_model,
    "groups": by_groups,
    "edit": by_edit,
}


def annotate(params: dict[str, Any], job: Job) -> dict[str, Any]:
    """params: dataset, how, seed, and what that way of naming needs. Writes `types.parquet` (cell, type, probability,
    and what else was found per cell) and the tables found; returns `{"source": sentence, "types": n, "unsure": share}`
    and further facts."""
    record = index.get(DatasetRecord, params["dataset"])
    found = WAYS[params["how"]](record, params, job)
    cells = matrix.obs(record.id, []).index
    table = {"cell": cells.to_numpy(), "type": pd.Categorical(found.types), "probability": found.probability}
    pd.DataFrame({**table, **found.extra}).to_parquet(job.result / "types.parquet", index=False)
    for name, rows in found.tables.items():
        rows.to_parquet(job.result / f"{name}.parquet", index=False)
    return {"source": found.source, "unsure": round(found.unsure, 4), **found.facts}
