"""A small tissue in a data root: three kinds of cells with ten marker genes each, and tables of names for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backend.datasets import canonical
from backend.records import DatasetRecord, JobState, JobStatus, now
from backend.store import index, layout, matrix
from tests.datasets.raws import look, make_raw, places

KINDS = ("A", "B", "C")


def kinds(n_cells: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Counts over GENE0..GENE29, GENE0..9 high in A and so on; and the kind of each cell."""
    rng = np.random.default_rng(seed)
    truth = np.array(KINDS, dtype=object)[np.arange(n_cells) % 3]
    rate = np.full((n_cells, 30), 0.3)
    for number, name in enumerate(KINDS):
        rate[np.ix_(truth == name, range(10 * number, 10 * number + 10))] = 3.0
    return rng.poisson(rate).astype(np.float32), truth


def tissue(n_cells: int = 150) -> DatasetRecord:
    values, truth = kinds(n_cells)
    record = canonical.write(look(make_raw(values, obs={"cell_type": truth}, where=places(n_cells))).require(), "T")
    index.put(record)
    return record


def finished(record: DatasetRecord, types: np.ndarray, facts: dict[str, Any] | None = None, **extra: Any) -> str:
    """An annotation as its job leaves it; returns the job's id."""
    job_id = f"annotate-{len(index.list_all(JobStatus)):012d}"
    folder = layout.result_folder(job_id)
    folder.mkdir(parents=True)
    cells = matrix.obs(record.id, []).index
    table = pd.DataFrame({"cell": cells, "type": pd.Categorical(types), "probability": np.float32(0.9), **extra})
    table.to_parquet(folder / "types.parquet", index=False)
    result = {"source": "Found.", "unsure": 0.0, **(facts or {})}
    job = JobStatus(id=job_id, kind="annotate", params={"dataset": record.id, "how": "transfer"}, result=result)
    index.put(job.model_copy(update={"state": JobState.SUCCEEDED, "finished": now()}))
    return job_id


def table_of(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "types.parquet").set_index("cell")
