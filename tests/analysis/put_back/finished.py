"""A finished run on the graded tissue whose reference cells have a place too, which nobody is told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from backend.analysis.put_back.evidence import Tissue
from backend.analysis.put_back.job import put_back
from backend.records import JobState, JobStatus, RunRecord, now
from backend.store import index, keys, layout
from backend.store.arrays import write_columns
from tests.analysis.put_back.graded import SIDE_UM, SIGMA_UM, make_tissue
from tests.evaluation.small_study import SmallJob, write_dataset

N_TISSUE, N_REFERENCE = 600, 150


@dataclass(frozen=True)
class Finished:
    """xy: of the tissue; true_xy: where the reference's cells stood."""

    run: RunRecord
    xy: np.ndarray
    true_xy: np.ndarray
    params: dict[str, Any]


def write_run(**changes: Any) -> Finished:
    """The reference is five times as deep, and its genes have factors of their own."""
    tissue = make_tissue(n=N_TISSUE)
    apart = first_cells(make_tissue(7, n=N_TISSUE))
    random = np.random.default_rng(0)
    genes = tuple(f"GENE{number:02d}" for number in range(tissue.expression.shape[1]))
    deep = random.poisson(5 * apart.expression.toarray() * random.uniform(0.5, 2, len(genes)) + 0.5)
    parts = {
        "tissue": {
            "counts": tissue.expression, "genes": genes, "xy": tissue.xy_um.astype(np.float32),
            "section": np.full(N_TISSUE, "1"), "obs": {"type": tissue.types.astype(str)},
        },
        "reference": {"counts": deep, "genes": genes, "obs": {"type": apart.types.astype(str)}},
    }  # fmt: skip
    for name, data in parts.items():
        write_dataset(name, name, data, has_types=True)
    run = RunRecord(
        **{"id": "scxm-graded", "method": "scxm", "version": 1, "config": {}, "seed": 0, "tissue": "d-tissue",
           "reference": "d-reference", "split": "halves"} | changes
    )  # fmt: skip
    index.put(run)
    folder = layout.result_folder(run.id)
    folder.mkdir(parents=True)
    write_columns(folder / "held_out_d-tissue.zarr", tissue.predicted, genes)
    write_columns(folder / "truth_d-tissue.zarr", tissue.measured, genes)
    write_columns(folder / "context_d-reference.zarr", apart.predicted, genes)
    layout.write_json(folder / "manifest.json", {"sigma_um": SIGMA_UM})
    done = JobStatus(id=run.id, kind="scxm", params={}, state=JobState.SUCCEEDED, finished=now())
    index.put(done)
    params = {"run": run.id, "dataset": "d-tissue", "types": "column", "seed": 0}
    return Finished(run, tissue.xy_um, apart.xy_um, params)


def first_cells(tissue: Tissue) -> Tissue:
    rows = slice(N_REFERENCE)
    parts = {name: getattr(tissue, name)[rows] for name in ("predicted", "measured", "expression", "xy_um", "types")}
    return replace(tissue, **parts)


def run_job(finished: Finished, home: Path) -> JobStatus:
    """The job, done here, as the store keeps it."""
    job_id = keys.job_id("put-back", finished.params)
    job = SmallJob(home / "jobs" / job_id)
    facts = put_back(finished.params, job)
    done = JobStatus(id=job_id, kind="put-back", params=finished.params, state=JobState.SUCCEEDED, finished=now())
    index.put(done.model_copy(update={"result": facts}))
    return index.get(JobStatus, job_id)


def middle() -> np.ndarray:
    return np.full(2, SIDE_UM / 2)
