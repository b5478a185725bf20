"""A small Xenium run as the instrument writes it (Xenium Onboard Analysis 1.x to 3.x): cell_feature_matrix.h5, and
cells.parquet or cells.csv.gz."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Literal

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.sparse import csc_matrix

GENES = ("ACTA2", "CD3E", "CXCR4", "EPCAM", "KRT8", "MS4A1")
CONTROLS = {
    "NegControlProbe_00042": "Negative Control Probe",
    "NegControlCodeword_0500": "Negative Control Codeword",
    "UnassignedCodeword_0006": "Unassigned Codeword",
}
Ids = Literal["text", "bytes", "numbers"]


def cell_ids(n_cells: int, kind: Ids = "text") -> list[str]:
    if kind == "numbers":  # before 1.4
        return [str(number) for number in range(1, n_cells + 1)]
    letters = np.random.default_rng(0).choice(list("abcdefghijklmnop"), (n_cells, 8))
    return [f"{''.join(row)}-1" for row in letters]


def counts(n_cells: int) -> np.ndarray:
    """n_cells x (genes, then controls), whole numbers; one cell in forty is mostly background."""
    rng = np.random.default_rng(1)
    genes = rng.poisson(8.0, (n_cells, len(GENES)))
    controls = rng.poisson(0.05, (n_cells, len(CONTROLS)))
    poor = np.arange(n_cells) % 40 == 7
    genes[poor], controls[poor] = rng.poisson(0.7, (poor.sum(), len(GENES))), 2
    genes[poor, 0] += 1
    return np.hstack([genes, controls])


def write_matrix(path: Path, values: np.ndarray, ids: list[str]) -> Path:
    """Stored as features x cells by column, with the attributes that 10x writes."""
    stored = csc_matrix(values.T)
    names = [*GENES, *CONTROLS]
    with h5py.File(path, "w") as file:
        file.attrs.update({"chemistry_description": "Xenium", "filetype": "matrix", "version": 2})
        group = file.create_group("matrix")
        group["barcodes"] = np.array(ids, dtype="S")
        group.create_dataset("data", data=stored.data.astype("i4"), compression="gzip")
        group.create_dataset("indices", data=stored.indices.astype("i8"), compression="gzip")
        group["indptr"], group["shape"] = stored.indptr.astype("i8"), np.array(stored.shape, dtype="i4")
        features = group.create_group("features")
        features["_all_tag_keys"] = np.array(["genome"], dtype="S")
        features["feature_type"] = np.array([*["Gene Expression"] * len(GENES), *CONTROLS.values()], dtype="S")
        features["genome"] = np.array(["Unknown"] * len(names), dtype="S")
        ensembl = [f"ENSG{number:011d}" for number in range(len(GENES))]
        features["id"], features["name"] = np.array([*ensembl, *CONTROLS], dtype="S"), np.array(names, dtype="S")
    return path


def cell_table(values: np.ndarray, ids: list[str]) -> pd.DataFrame:
    """cells.parquet: what the instrument says of each cell; a cell without a nucleus has no nucleus_area."""
    n_cells = len(ids)
    rng = np.random.default_rng(2)
    side = int(np.ceil(np.sqrt(n_cells)))
    places = np.column_stack([np.arange(n_cells) % side, np.arange(n_cells) // side]) * 9.0
    places += rng.uniform(-2, 2, places.shape) + (1500.0, 300.0)
    probe, codeword, unassigned = values[:, len(GENES) :].T
    return pd.DataFrame(
        {
            "cell_id": ids, "x_centroid": places[:, 0], "y_centroid": places[:, 1],
            "transcript_counts": values[:, : len(GENES)].sum(axis=1), "control_probe_counts": probe,
            "genomic_control_counts": 0, "control_codeword_counts": codeword, "unassigned_codeword_counts": unassigned,
            "deprecated_codeword_counts": 0, "total_counts": values.sum(axis=1),
            "cell_area": rng.lognormal(4.2, 0.3, n_cells),
            "nucleus_area": np.where(np.arange(n_cells) % 9 == 0, np.nan, 25.0),
            "nucleus_count": 1.0, "segmentation_method": "Segmented by boundary stain",
        }
    )  # fmt: skip


def write_run(folder: Path, n_cells: int = 120, *, ids: Ids = "text", csv: bool = False) -> tuple[Path, Path]:
    """Both files of a run; `ids`: as the instrument's software of that age writes them."""
    names, values = cell_ids(n_cells, ids), counts(n_cells)
    matrix = write_matrix(folder / "cell_feature_matrix.h5", values, names)
    table = cell_table(values, names)
    if ids == "numbers":
        table["cell_id"] = table["cell_id"].astype("int32")
    if csv:
        cells = folder / "cells.csv.gz"
        cells.write_bytes(gzip.compress(table.to_csv(index=False, quoting=2).encode()))
        return matrix, cells
    columns = pa.Table.from_pandas(table, preserve_index=False)
    if ids == "bytes":
        columns = columns.set_column(0, "cell_id", columns["cell_id"].cast(pa.binary()))
    pq.write_table(columns, folder / "cells.parquet")
    return matrix, folder / "cells.parquet"
