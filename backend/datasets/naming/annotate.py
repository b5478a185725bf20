"""Job handler: names for the cells of a data set, whichever way was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from backend.datasets.naming.clusters import by_clusters
from backend.datasets.naming.found import Found
from backend.datasets.naming.transfer import by_reference
from backend.records import DatasetRecord
from backend.store import index, matrix

if TYPE_CHECKING:
    from backend.training.job import Job


def annotate(params: dict[str, Any], job: Job) -> dict[str, Any]:
    """params: dataset, how, seed, and what that way of naming needs. Writes `types.parquet` (cell, type, probability,
    and what else was found per cell) and the tables found; returns `{"source": sentence, "types": n, "unsure": share}`
    and further facts."""
    record = index.get(DatasetRecord, params["dataset"])
    found = _find(record, params, job)
    cells = matrix.obs(record.id, []).index
    table = {"cell": cells.to_numpy(), "type": pd.Categorical(found.types), "probability": found.probability}
    pd.DataFrame({**table, **found.extra}).to_parquet(job.result / "types.parquet", index=False)
    for name, rows in found.tables.items():
        rows.to_parquet(job.result / f"{name}.parquet", index=False)
    return {"source": found.source, "unsure": round(found.unsure, 4), **found.facts}


def _find(record: DatasetRecord, params: dict[str, Any], job: Job) -> Found:
    if params["how"] == "leiden":
        return by_clusters(record, params, job)
    return by_reference(record, params, job)
