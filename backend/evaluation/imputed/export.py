"""Take an imputation home: the tissue's cells with measured and imputed genes side by side, as h5ad or zarr.

One table of cells x genes: the shared genes, then those off the panel. The layer `imputed` holds what was imputed (a
measured gene as the fold that hid it imputed it, never its own measurement), `interval_low` and `interval_high` its
90 % interval, `X` what was measured, empty off the panel.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, hstack

from backend.analysis.imputation.intervals import Column, Intervals
from backend.errors import UserError
from backend.methods.contract import Floats
from backend.records import RunRecord
from backend.store import index, matrix
from backend.store.arrays import read_columns
from backend.store.layout import read_json, result_folder

NUMBERS = ("score", "score_partial", "score_bin", "predicted_score", "predicted_low", "predicted_high", "coverage")


def export_imputed(run_id: str, out: Path, printable: bool = False) -> Path:
    """Write `out`, whole or not at all: `.h5ad` or `.zarr` (AnnData). printable: only genes of which the verdict is not
    "do not show". `var`: `resitu_measured`, `resitu_score` (held
    out where measured, predicted and not tested otherwise), `resitu_verdict`, `resitu_reasons`, and more scores;
    `obsm["spatial"]` in um; `uns["resitu"]`, JSON text: the run's summary. Raises `UserError` for another ending, and
    where nothing can be written."""
    writers: dict[str, Callable[[Any, Path], None]] = {
        ".h5ad": lambda data, path: data.write_h5ad(path, compression="gzip"),
        ".zarr": _write_zarr,
    }
    kind = out.suffix.lower()
    if kind not in writers:
        raise UserError(f"{out.name!r} has no known ending.", mend="Name it OUT.h5ad or OUT.zarr.")
    partial = out.with_name(f".{uuid.uuid4().hex[:8]}.partial{kind}")
    try:
        writers[kind](as_anndata(index.get(RunRecord, run_id), printable), partial)
        _replace(partial, out)
    except OSError as error:
        raise UserError(f"{str(out)!r} cannot be written.", f"{error}.", "Choose another name or folder.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        with contextlib.suppress(OSError):
            partial.unlink()
    return out


def _replace(partial: Path, out: Path) -> None:
    """A folder is replaced where it is a zarr store, and only once the new one is whole."""
    if not out.is_dir():
        os.replace(partial, out)
        return
    if not (out / "zarr.json").is_file():
        raise UserError(f"{out.name!r} is a folder that holds something else.", mend="Choose another name.")
    aside = out.with_name(f".{uuid.uuid4().hex[:8]}.old.zarr")
    os.replace(out, aside)
    os.replace(partial, out)
    shutil.rmtree(aside, ignore_errors=True)


def _write_zarr(data: Any, path: Path) -> None:
    import anndata

    with anndata.settings.override(zarr_write_format=3):
        data.write_zarr(path)


def as_anndata(run: RunRecord, printable: bool = False) -> Any:
    """The run's tissue as an AnnData; see the module. Raises `UserError` where no gene is printable."""
    import anndata

    result = result_folder(run.id)
    genes = pd.read_parquet(result / "genes.parquet")
    if printable:
        genes = genes[genes["verdict"] != "no"].reset_index(drop=True)
    if genes.empty:
        raise UserError("No gene of this run may be printed.", mend="Take all of its genes, or try another method.")
    imputed = _imputed(result, run.tissue, genes)
    low, high = _intervals(result, genes, imputed)
    obs = matrix.obs(run.tissue)
    obs.index = obs.index.astype(str)
    data = anndata.AnnData(_measured(run.tissue, genes), obs=obs, var=_var(genes))
    data.layers["imputed"], data.layers["interval_low"], data.layers["interval_high"] = imputed, low, high
    data.obsm["spatial"] = obs[["x_um", "y_um"]].to_numpy(dtype=np.float32)
    data.uns["resitu"] = json.dumps(read_json(result / "summary.json"))
    return data


def _var(genes: pd.DataFrame) -> pd.DataFrame:
    table = pd.DataFrame(index=pd.Index(genes["gene"].astype(str), name=None))
    score = genes["score"].where(genes["measured"], genes["predicted_score"])
    table["resitu_measured"] = genes["measured"].to_numpy(dtype=bool)
    table["resitu_score"] = score.to_numpy(dtype=np.float64)
    table["resitu_verdict"] = genes["verdict"].to_numpy(dtype=str)
    table["resitu_reasons"] = genes["reasons"].str.replace("\n", " ").to_numpy(dtype=str)
    for name in NUMBERS:
        table[f"resitu_{name}" if name != "score" else "resitu_held_out_score"] = genes[name].to_numpy(dtype=np.float64)
    return table


def _imputed(result: Path, tissue: str, genes: pd.DataFrame) -> Floats:
    parts = []
    for name, wanted in (("held_out", genes[genes["measured"]]), ("imputed", genes[~genes["measured"]])):
        if len(wanted):
            parts.append(read_columns(result / f"{name}_{tissue}.zarr", wanted["gene"].tolist())[0])
    return np.concatenate(parts, axis=1)


def _intervals(result: Path, genes: pd.DataFrame, imputed: Floats) -> tuple[Floats, Floats]:
    intervals = Intervals.from_json(read_json(result / "intervals.json"))
    cells = pd.read_parquet(result / "cells.parquet")
    block = cells["block"].to_numpy()
    low, high = np.empty_like(imputed), np.empty_like(imputed)
    rows = genes[["fold", "detection_reference", "mean_reference"]].itertuples(index=False)
    for at, (fold, detection, mean) in enumerate(rows):
        column = Column(imputed[:, at], cells[f"depth_{fold}"].to_numpy(dtype=np.float64), detection, mean)
        low[:, at], high[:, at], _ = intervals.around(column, fold, block)
    return low, high


def _measured(tissue: str, genes: pd.DataFrame) -> csr_matrix:
    values, names = matrix.load_csr(tissue)
    place = {gene: column for column, gene in enumerate(names)}
    shared = genes.loc[genes["measured"], "gene"]
    own = values[:, [place[gene] for gene in shared]]
    return csr_matrix(hstack([own, csr_matrix((values.shape[0], len(genes) - len(shared)), dtype=np.float32)]))
