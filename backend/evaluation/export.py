"""Take a run home: the reference's cells with their predicted context, as h5ad or CSV."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backend.errors import UserError
from backend.records import RunRecord
from backend.store import index, matrix
from backend.store.arrays import read_columns
from backend.store.layout import read_json, result_folder

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export_run(run_id: str, out: Path) -> Path:
    """Write `out`, whole or not at all.

    `.h5ad`: X as it was read, obs, `obsm["context"]` (cells x panel genes, float32, 0 to 1), `uns["context_genes"]`,
    `uns["scores"]` (a table), `uns["summary"]` (JSON text). `.csv`: cells x genes of the context alone.
    Raises `UserError` for another ending, and where nothing can be written."""
    writers = {".h5ad": _write_h5ad, ".csv": _write_csv}
    kind = out.suffix.lower()
    if kind not in writers:
        raise UserError(f"{out.name!r} has no known ending.", mend="Name it OUT.h5ad or OUT.csv.")
    partial = out.with_name(f".{uuid.uuid4().hex[:8]}.partial{kind}")
    try:
        writers[kind](index.get(RunRecord, run_id), partial)
        os.replace(partial, out)
    except OSError as error:
        raise UserError(f"{str(out)!r} cannot be written.", f"{error}.", "Choose another name or folder.") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
    return out


def _write_h5ad(run: RunRecord, path: Path) -> None:
    import anndata

    result = result_folder(run.id)
    context, genes = read_columns(result / f"context_{run.reference}.zarr")
    expression, names = matrix.load_csr(run.reference)
    obs = matrix.obs(run.reference)
    obs.index = obs.index.astype(str)
    data = anndata.AnnData(expression, obs=obs, var=pd.DataFrame(index=list(names)))
    data.obsm["context"] = context
    if {"umap_1", "umap_2"} <= set(obs):
        data.obsm["X_umap"] = obs[["umap_1", "umap_2"]].to_numpy(dtype=np.float32)
    data.uns["context_genes"] = np.array(genes, dtype=object)
    data.uns["scores"] = pd.read_parquet(result / "scores.parquet").rename(index=str)
    data.uns["summary"] = json.dumps(read_json(result / "summary.json"))
    data.write_h5ad(path, compression="gzip")


def _write_csv(run: RunRecord, path: Path) -> None:
    context, genes = read_columns(result_folder(run.id) / f"context_{run.reference}.zarr")
    cells = matrix.obs(run.reference, []).index
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["cell", *map(plain_text, genes)])
        for cell, values in zip(cells, context, strict=True):
            rows.writerow([plain_text(cell), *(f"{value:.6g}" for value in values)])


def plain_text(value: Any) -> str:
    """A label that a spreadsheet will not take for a formula."""
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
