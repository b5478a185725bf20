"""One gene over all cells of the tissue: what was measured, what is imputed, how sure, and what is left of it once
the average of the cell's type is taken away."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.api._match import find_match, match
from backend.api._runs import of_study, run
from backend.api._studies import studies, study
from backend.api._types import cell_types
from backend.api.imputed._genes import genes
from backend.api.imputed._scores import result
from backend.errors import NotFound, UserError
from backend.records import JobState, RunRecord, StudyRecord
from backend.store import layout, matrix
from backend.store.arrays import read_column

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class GeneLayers:
    """All per tissue cell, in the tissue's order (n_cells,).

    measured: log1p of counts at the depth of the genes that were read; None: the gene was never measured. imputed: by
    the fit that did not see the gene; in the units of `units` ("tissue": the same as `measured`). low, high: a 90 %
    interval for the measured value; zero_in: whether it holds "not detected". type_mean: of the imputed values of the
    cell's type; residual: imputed minus that. types: the names used. hatched: the cell's type has no counterpart in
    the reference (all False where no match is finished). NaN: a cell with no count of the genes that were read."""

    gene: str
    units: str
    measured: Floats | None
    imputed: Floats
    low: Floats
    high: Floats
    zero_in: NDArray[np.bool_]
    type_mean: Floats
    residual: Floats
    types: NDArray[np.object_]
    hatched: NDArray[np.bool_]


def gene_layers(run_id: str, gene: str, study_id: str | None = None) -> GeneLayers:
    """study_id: whose names of types and whose match are used; None: a study of the run's data. Raises `NotFound`."""
    record, folder = run(run_id), result(run_id)
    table = genes(run_id)
    rows = table[table["gene"] == gene]
    if rows.empty:
        raise NotFound(f"{gene!r} was not imputed by this run.", mend="Choose one of the run's own genes.")
    row, cells = rows.iloc[0], run_cells(run_id)
    name = "held_out" if row["measured"] else "imputed"
    imputed = read_column(folder / f"{name}_{record.tissue}.zarr", gene)
    depth = cells[f"depth_{row['fold']}"].to_numpy(dtype=np.float64)
    low, high, zero_in = _interval(folder, row, imputed, depth, cells["block"].to_numpy())
    chosen = _study_of(record, study_id)
    types = _types(record, chosen, cells)
    type_mean = pd.Series(imputed).groupby(types).transform("mean").to_numpy(dtype=np.float32)
    return GeneLayers(
        gene=gene,
        units=str(layout.read_json(folder / "summary.json")["units"]),
        measured=_measured(record, gene, depth) if row["measured"] else None,
        imputed=imputed,
        low=low,
        high=high,
        zero_in=zero_in,
        type_mean=type_mean,
        residual=imputed - type_mean,
        types=types,
        hatched=_hatched(record, chosen),
    )


def run_cells(run_id: str) -> pd.DataFrame:
    """One row per tissue cell: type (or group of similar expression) and niche that scores were taken over, block (the
    spatial block that intervals are calibrated by), and depth_<fold>: counts of the genes that the fold read."""
    return _cells(result(run_id))


@lru_cache(maxsize=4)
def _cells(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "cells.parquet")


def _interval(
    folder: Path, row: pd.Series, imputed: Floats, depth: NDArray[np.float64], block: NDArray[np.integer]
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    from backend.analysis.imputation.intervals import Column, Intervals

    intervals = Intervals.from_json(_json(folder / "intervals.json"))
    column = Column(imputed, depth, float(row["detection_reference"]), float(row["mean_reference"]))
    return intervals.around(column, str(row["fold"]), block)


@lru_cache(maxsize=8)
def _json(path: Path) -> Any:
    return layout.read_json(path)


def _measured(record: RunRecord, gene: str, depth: NDArray[np.float64]) -> Floats:
    """T1 of one gene: scaled by the depth of the fold's input genes. NaN where there is none."""
    from backend.api._datasets import dataset

    values = matrix.gene_values(record.tissue, gene).astype(np.float64)
    counts = np.expm1(values) if dataset(record.tissue).scale == "log" else values
    middle = float(np.median(depth[depth > 0]))
    scaled = np.divide(counts * middle, depth, out=np.full(len(depth), np.nan), where=depth > 0)
    return np.log1p(scaled).astype(np.float32)


def _study_of(record: RunRecord, study_id: str | None) -> StudyRecord | None:
    if study_id is not None:
        return study(study_id)
    own = [found for found in studies() if of_study(record, found)]
    return own[-1] if own else None


def _types(record: RunRecord, chosen: StudyRecord | None, cells: pd.DataFrame) -> NDArray[np.object_]:
    """The study's names where there are any, else those that the run used."""
    if chosen is not None and record.tissue in chosen.types:
        table = cell_types(chosen.id, record.tissue).table
        if len(table) == len(cells):
            return table["type"].astype(str).to_numpy(dtype=object)
    return cells["type"].astype(str).to_numpy(dtype=object)


def _hatched(record: RunRecord, chosen: StudyRecord | None) -> NDArray[np.bool_]:
    names = matrix.obs(record.tissue, []).index
    none = np.zeros(len(names), dtype=bool)
    if chosen is None:
        return none
    try:
        job = find_match(chosen.id, record.reference)
    except UserError:  # the reference has no types that could be matched
        return none
    if job is None or job.state is not JobState.SUCCEEDED or not layout.result_folder(job.id).exists():
        return none
    held = match(job.id).cells.set_index("cell")["counterpart"].astype(bool)
    return ~held.reindex(names).fillna(True).to_numpy(dtype=bool)  # a region's cells keep their names
