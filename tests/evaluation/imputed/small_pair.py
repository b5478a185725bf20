"""A tissue and a reference whose truth is known: four kinds of cells, genes that follow them and genes that do not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import zarr
from scipy.sparse import csc_matrix

from backend.records import DatasetRecord, RunRecord
from backend.store import index
from backend.store.layout import dataset_folder
from tests.evaluation.small_study import write_dataset

SHARED = tuple(f"S{i:02d}" for i in range(40))
MISSING = tuple(f"M{i:02d}" for i in range(12))  # the reference's alone; RARE is seen in three of its cells
ALONE = ("TISSUEONLY",)
KINDS, N_TISSUE, N_REFERENCE = 4, 360, 240


def make_pair(seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Every other gene follows the kinds of cells, the rest follow nothing. Kinds lie in bands of the tissue."""
    rng = np.random.default_rng(seed)
    genes = (*SHARED, *MISSING, "RARE")
    follows = np.arange(len(genes)) % 2 == 0
    profile = np.exp(rng.normal(0, 1.5, (KINDS, len(genes))))
    profile[:, ~follows] = profile[:, ~follows].mean(axis=0)
    told = np.flatnonzero(follows)[: len(SHARED) // 2]
    profile[:, told] /= profile[:, told].mean(axis=1, keepdims=True)  # or a share of the total would tell of the kind
    profile[:, -1] = 0
    profile /= profile[:, : len(SHARED)].sum(axis=1, keepdims=True)
    xy = rng.uniform(0, 300, (N_TISSUE, 2)).astype(np.float32)
    kind = np.clip((xy[:, 0] / 75).astype(int), 0, KINDS - 1)
    counts = rng.poisson(profile[kind] * rng.lognormal(np.log(60), 0.4, (N_TISSUE, 1)))[:, : len(SHARED)]
    tissue = {
        "counts": np.column_stack([counts, rng.poisson(1, N_TISSUE)]),
        "genes": (*SHARED, *ALONE),
        "xy": xy,
        "section": np.repeat("S0", N_TISSUE),
        "obs": {"type": [f"kind {k}" for k in kind]},
    }
    other = rng.integers(0, KINDS, N_REFERENCE)
    deep = rng.poisson(profile[other] * rng.lognormal(np.log(400), 0.3, (N_REFERENCE, 1)))
    deep[:3, -1] = 1
    reference = {"counts": deep, "genes": genes, "obs": {"type": [f"kind {k}" for k in other]}}
    return tissue, reference


def write_pair(seed: int = 0, **changed: Any) -> tuple[DatasetRecord, DatasetRecord]:
    """Both as data sets, with what pages read besides: detection, and the matrix by gene."""
    tissue, reference = make_pair(seed)
    records = []
    for name, role, data in (("tissue", "tissue", {**tissue, **changed}), ("reference", "reference", reference)):
        record = write_dataset(name, role, data, has_types="type" in data["obs"])
        folder = dataset_folder(record.id)
        counts = csc_matrix(np.asarray(data["counts"], dtype=np.float32))
        group = zarr.create_group(folder / "data.zarr" / "layers" / "by_gene", zarr_format=3)
        for part in ("data", "indices", "indptr"):
            group.create_array(part, data=getattr(counts, part))
        table = pd.read_parquet(folder / "var.parquet")
        table["detection"] = np.asarray((counts > 0).mean(axis=0), dtype=np.float32).ravel()
        table.to_parquet(folder / "var.parquet")
        pd.DataFrame({"name": [], "kind": [], "total": []}).to_parquet(folder / "excluded.parquet")
        records.append(record)
    return records[0], records[1]


def make_run(method: str = "knn", split: str = "genes", seed: int = 0) -> RunRecord:
    run = RunRecord(
        id=f"{method}-small", method=method, version=1, config={}, seed=seed, tissue="d-tissue",
        reference="d-reference", split=split,
    )  # fmt: skip
    index.put(run)
    return run
