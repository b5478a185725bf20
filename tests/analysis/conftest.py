from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backend.records import JobStatus, RunRecord
from backend.store import index, layout
from backend.store.arrays import write_columns
from tests.evaluation.small_study import SmallJob, write_dataset

GENES = tuple(f"GENE{i:02d}" for i in range(30))
PANEL = ("GENE00", "GENE01", "GENE02")
N = 160


@dataclass(frozen=True)
class Finished:
    """A finished run over a validation tissue of 160 cells, 120 of them T cells, half of these in niches: GENE05 is
    high there, and the model predicts GENE00 around them well."""

    run: str
    dataset: str
    niche: np.ndarray
    home: Path


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Finished:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path))
    rng = np.random.default_rng(0)
    niche = np.arange(N) % 2 == 0
    counts = rng.poisson(1.5, (N, len(GENES)))
    counts[:, 5] += 5 * niche
    types = np.where(np.arange(N) < 120, "T cell", "B cell")
    xy = rng.uniform(0, 300, (N, 2)).astype(np.float32)
    data = {"counts": counts, "genes": GENES, "xy": xy, "section": np.full(N, "S0"), "obs": {"type": types}}
    for name, role in (("tissue", "tissue"), ("reference", "reference"), ("validation", "validation")):
        write_dataset(name, role, data, has_types=True)
    run = RunRecord(
        id="tiny-run", method="tiny", version=1, config={}, seed=0, tissue="d-tissue", reference="d-reference",
        validation="d-validation", split="validation",
    )  # fmt: skip
    index.put(run)
    folder = layout.result_folder(run.id)
    folder.mkdir(parents=True)
    predicted = rng.random((N, 3)).astype(np.float32) * 0.2
    predicted[:, 0] += 0.4 * niche
    write_columns(folder / "context_d-validation.zarr", predicted, PANEL)
    write_columns(folder / "context_d-reference.zarr", predicted, PANEL)
    truth = predicted + rng.normal(0, 0.05, predicted.shape).astype(np.float32)
    write_columns(folder / "truth_d-validation.zarr", truth.clip(0, 1), PANEL)
    layout.write_json(folder / "manifest.json", {"input_genes": list(GENES[:20]), "panel_genes": list(PANEL)})
    _scores(rng).to_parquet(folder / "scores.parquet", index=False)
    return Finished(run.id, "d-validation", niche, tmp_path)


def _scores(rng: np.random.Generator) -> pd.DataFrame:
    spread = rng.random(30)
    rows = [
        pd.DataFrame({"gene": GENES, "method": method, "self_loop": loop, "pcc": shift + 0.3 * spread})
        for method, loop, shift in (("tiny", False, 0.0), ("tiny", True, 0.5), ("ridge", False, 0.1))
    ]
    scores = pd.concat(rows, ignore_index=True)
    return scores.assign(context_sd=np.tile(spread, 3), detection=rng.random(90))


@pytest.fixture
def small_job(finished: Finished) -> SmallJob:
    return SmallJob(finished.home / "jobs" / "niche-1")


def remember(job_id: str, kind: str, params: dict[str, object]) -> None:
    index.put(JobStatus(id=job_id, kind=kind, params=params))
