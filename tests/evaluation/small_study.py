"""A tissue, a reference and a validation tissue of a few hundred cells, written as data sets; and a job to work in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import zarr
from scipy.sparse import csr_matrix

from backend import settings
from backend.errors import Stopped
from backend.records import DatasetRecord, RunRecord
from backend.settings import Settings
from backend.store import index
from backend.store.layout import dataset_folder, write_json

GENES = tuple(f"GENE{i:02d}" for i in range(16))
WIDTH_UM = 400.0


def make_tissue(seed: int, n_cells: int = 500, n_genes: int = 12, sections: int = 1) -> dict[str, Any]:
    """Counts whose genes are high in bands of the tissue, so that neighbourhoods can be learnt."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, WIDTH_UM, (n_cells, 2)).astype(np.float32)
    phase = np.linspace(0, 2 * np.pi, n_genes, endpoint=False)
    rate = 1.2 * (1 + np.sin(xy[:, :1] / 25 + xy[:, 1:] / 40 + phase))
    section = np.array([f"S{i % sections}" for i in range(n_cells)])
    return {"counts": rng.poisson(rate), "genes": GENES[:n_genes], "xy": xy, "section": section}


def make_reference(seed: int, n_cells: int = 90, n_genes: int = 14) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    phase = np.linspace(0, 2 * np.pi, n_genes, endpoint=False)
    return {"counts": rng.poisson(2 * (1 + np.sin(rng.uniform(0, 6, (n_cells, 1)) + phase))), "genes": GENES[:n_genes]}


def write_dataset(name: str, role: str, data: dict[str, Any], **changes: Any) -> DatasetRecord:
    """datasets/d-<name>/ as the doctor leaves it, as far as the evaluation reads it, and its record."""
    counts = csr_matrix(data["counts"], dtype=np.float32)
    folder = dataset_folder(f"d-{name}")
    folder.mkdir(parents=True)
    group = zarr.create_group(folder / "data.zarr" / "X", zarr_format=3, attributes={"shape": list(counts.shape)})
    for part in ("data", "indices", "indptr"):
        group.create_array(part, data=getattr(counts, part))
    obs = pd.DataFrame(index=pd.Index([f"{name}-{i}" for i in range(counts.shape[0])], name="cell"))
    if "xy" in data:
        obs["x_um"], obs["y_um"] = data["xy"].T
        obs["section"] = pd.Categorical(data["section"])
    for column, values in data.get("obs", {}).items():
        obs[column] = values
    obs.to_parquet(folder / "obs.parquet")
    genes = pd.DataFrame(index=pd.Index(data["genes"], name="gene"))
    genes["symbol"], genes["ensembl"] = data["genes"], data.get("ensembl", [None] * len(genes))
    genes.to_parquet(folder / "var.parquet")
    fields: dict[str, Any] = {
        "id": f"d-{name}", "fingerprint": name * 3, "name": name.title(), "role": role, "n_cells": counts.shape[0],
        "n_genes": counts.shape[1], "species": "human", "gene_ids": "symbol", "scale": "counts", "counts_from": "X",
    }  # fmt: skip
    record = DatasetRecord(**(fields | changes))
    write_json(folder / "record.json", record.model_dump(mode="json"))
    index.put(record)
    return record


def write_study(validation: bool = False) -> tuple[DatasetRecord, ...]:
    parts = [
        write_dataset("tissue", "tissue", make_tissue(0, sections=2)),
        write_dataset("reference", "reference", make_reference(1)),
    ]
    if validation:
        parts.append(write_dataset("validation", "validation", make_tissue(2, n_cells=300, n_genes=14)))
    return tuple(parts)


def make_run(validation: bool = False, **config: Any) -> RunRecord:
    run = RunRecord(
        id="tiny-run", method="tiny", version=1, config=config, seed=3, tissue="d-tissue", reference="d-reference",
        validation="d-validation" if validation else None, split="validation" if validation else "halves",
    )  # fmt: skip
    index.put(run)
    return run


@dataclass
class FitContext:
    job: SmallJob
    seed: int
    folder: Path
    device: str = "cpu"
    threads: int = 1

    def report(self, step: int, steps: int, **metrics: float) -> None:
        self.job.report(step, steps, **metrics)

    def should_stop(self) -> bool:
        return self.job.should_stop()

    def checkpoint_due(self) -> bool:
        return False


@dataclass
class SmallJob:
    """`stop_at`, `cancel_at`: the report (counted from 1) at which somebody says so."""

    folder: Path
    stop_at: int | None = None
    cancel_at: int | None = None
    reports: list[tuple[int, int]] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)
    on_stage: Callable[[str], None] = lambda text: None
    id: str = "tiny-run"
    device: str = "cpu"
    threads: int = 1

    def __post_init__(self) -> None:
        self.result.mkdir(parents=True, exist_ok=True)

    @property
    def result(self) -> Path:
        return self.folder / "result"

    @property
    def settings(self) -> Settings:
        return settings.load()

    def stage(self, text: str) -> None:
        self.stages.append(text)
        self.on_stage(text)

    def report(self, step: int, steps: int, **metrics: float) -> None:
        self.reports.append((step, steps))
        if self.cancel_at is not None and len(self.reports) >= self.cancel_at:
            raise Stopped

    def should_stop(self) -> bool:
        return self.stop_at is not None and len(self.reports) >= self.stop_at

    def checkpoint_due(self) -> bool:
        return False

    def fit_context(self, name: str, seed: int) -> FitContext:
        folder = self.folder / "checkpoint" / name
        folder.mkdir(parents=True, exist_ok=True)
        return FitContext(self, seed, folder)
