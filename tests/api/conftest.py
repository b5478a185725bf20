"""A data root with small records in it, as real as what the doctor writes; nothing is computed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from backend.records import DatasetRecord
from backend.store import index, layout

PANEL = ("ACTA2", "CD3E", "CXCR4", "EPCAM", "KRT8")
TRANSCRIPTOME = (*PANEL, "GAPDH", "MYC", "TP53")
N_CELLS = 200


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RESITU_FOLDERS", raising=False)
    return tmp_path / "home"


def write_dataset(role: str, genes: tuple[str, ...], **changed: Any) -> DatasetRecord:
    """A record, its table of genes and its table of cells."""
    print_ = f"{abs(hash((role, genes, str(changed)))):016x}"
    record = DatasetRecord.model_validate(
        {
            "id": f"d-{print_[:12]}",
            "fingerprint": print_ * 4,
            "name": f"a {role}",
            "role": role,
            "n_cells": N_CELLS,
            "n_genes": len(genes),
            "species": "human",
            "gene_ids": "symbol",
            "scale": "counts",
            "counts_from": "X",
            "um_per_unit": None if role == "reference" else 1.0,
            "has_types": True,
            "columns": {"type": "cell_type"},
            "sections": () if role == "reference" else ("1",),
            **changed,
        }
    )
    folder = layout.dataset_folder(record.id)
    folder.mkdir(parents=True)
    table = pd.DataFrame({"symbol": genes, "ensembl": None}, index=pd.Index(genes, name="gene"))
    table["detection"] = np.float32(0.1)
    table.to_parquet(folder / "var.parquet")
    unseen = pd.DataFrame({"name": ["UNSEEN1"], "kind": ["not seen"], "total": [0.0]})
    unseen.to_parquet(folder / "excluded.parquet")
    cells = pd.Index([f"c{i}" for i in range(record.n_cells)], name="cell")
    obs = pd.DataFrame({"counts": np.arange(N_CELLS, dtype=np.float32)}, index=cells)
    if role != "reference":
        obs["x_um"], obs["y_um"], obs["section"] = np.arange(N_CELLS) * 10.0, 0.0, "1"
    if record.has_types:
        obs["type"] = ["T cell", "tumour"] * (N_CELLS // 2)
    obs.to_parquet(folder / "obs.parquet")
    layout.write_json(folder / "record.json", record.model_dump(mode="json"))
    index.put(record)
    return record


@pytest.fixture
def dataset() -> Callable[..., DatasetRecord]:
    return write_dataset


@pytest.fixture
def tissue() -> DatasetRecord:
    return write_dataset("tissue", PANEL)


@pytest.fixture
def reference() -> DatasetRecord:
    return write_dataset("reference", TRANSCRIPTOME)
