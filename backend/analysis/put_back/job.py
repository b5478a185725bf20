"""Job handler: learn how cells and places of a tissue fit, test it on cells whose positions were hidden, and get every
reference cell ready to be put back. What is left is so small that maps of any cells are then drawn at once."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.analysis.put_back import depth
from backend.analysis.put_back.evidence import KINDS, Floats, Reader, Tissue, centred, learn
from backend.analysis.put_back.maps import Ground
from backend.analysis.put_back.told import summarise
from backend.analysis.put_back.transport import find_potentials
from backend.analysis.put_back.trial import BACKGROUND, Choice, ground_of, run_trial, sharpen, tell
from backend.datasets.naming.found import read_source
from backend.datasets.paired import names_as_in, read_cells
from backend.errors import NotFound
from backend.methods.contract import Cells
from backend.records import DatasetRecord, RunRecord
from backend.store import index, layout
from backend.store.arrays import column_genes, read_columns, write_columns
from backend.training.job import Job

DRAWS = 8  # of each reference cell's expression at the tissue's depth; their mean is used


def put_back(params: dict[str, Any], job: Job) -> dict[str, Any]:
    """params: run, dataset (the tissue that cells are put on), types ("column", an annotation job, or None), seed.

    Writes `places.zarr` (per tissue cell its place: b and offset, NaN where it is none), `cells.zarr` (per reference
    cell a'), `trial_places.zarr`, `trial_cells.zarr` (the same of the test), `trial.parquet` (one row per reported cell
    and way) and `facts.json`; returns those facts. Raises `NotFound`, `UserError`."""
    started = time.monotonic()
    job.stage("reading predictions and places")
    run, record = index.get(RunRecord, params["run"]), index.get(DatasetRecord, params["dataset"])
    tissue = read_tissue(run, record, params["types"])
    kinds = ("context",) if record.spots else KINDS
    job.report(1, 4)
    job.stage("hiding cells and putting them back")
    trial = run_trial(tissue, int(params["seed"]), kinds)
    job.report(2, 4)
    job.stage("learning from all cells")
    reader, ground, rows = settle(tissue, trial.choice, int(params["seed"]))
    job.report(3, 4)
    job.stage("reading the reference's cells")
    told = read_reference(run, tissue, reader, trial.choice, int(params["seed"]))
    write_ground(job.result / "places.zarr", ground, rows, len(tissue.xy_um))
    write_ground(job.result / "trial_places.zarr", trial.ground, trial.places, len(tissue.xy_um))
    write_columns(job.result / "cells.zarr", told, names_of(told))
    hidden = np.column_stack([trial.told, trial.rows]).astype(np.float64)
    write_columns(job.result / "trial_cells.zarr", hidden.astype(np.float32), (*names_of(trial.told), "row"))
    trial.cells.to_parquet(job.result / "trial.parquet", index=False)
    facts = summarise(trial, tissue, record.spots) | {
        "run": run.id,
        "dataset": record.id,
        "places": len(ground),
        "seconds": round(time.monotonic() - started, 1),
    }
    layout.write_json(job.result / "facts.json", facts)
    job.report(4, 4)
    return facts


def read_tissue(run: RunRecord, record: DatasetRecord, types: str | None) -> Tissue:
    """Predictions that did not see the cell, contexts, panel expression and places of a run's tissue."""
    folder = layout.result_folder(run.id)
    name = f"held_out_{record.id}.zarr" if record.id == run.tissue else f"context_{record.id}.zarr"
    for path in (folder / name, folder / f"truth_{record.id}.zarr"):
        if not path.exists():
            raise NotFound(
                f"This run has no predictions for cells of {record.name!r} that its model did not see.",
                mend="Put cells back on the tissue that the run was scored on.",
            )
    panel = column_genes(folder / name)
    predicted = read_columns(folder / name)[0]
    measured = read_columns(folder / f"truth_{record.id}.zarr", panel)[0]
    cells = read_panel(run, record, panel)
    assert cells.coordinates is not None
    assert cells.section is not None
    xy = cells.coordinates.astype(np.float64)
    half = halves(xy, cells.section) if run.split == "halves" else np.zeros(len(xy), dtype=np.int32)
    named = None if types is None else read_source(record, types).cells["type"].to_numpy(dtype=object)
    sigma = float(layout.read_json(folder / "manifest.json")["sigma_um"])
    return Tissue(predicted, measured, cells.expression, cells.scale, xy, cells.section, half, sigma, named)


def read_panel(run: RunRecord, record: DatasetRecord, panel: tuple[str, ...]) -> Cells:
    tissue = index.get(DatasetRecord, run.tissue)
    return read_cells(record, panel, names_as_in(tissue, record, run.orthologues))


def halves(xy: NDArray[np.float64], section: NDArray[np.int32]) -> NDArray[np.int32]:
    """0 left, 1 right of the middle of its section: which of a run's two fits predicted the cell."""
    half = np.zeros(len(xy), dtype=np.int32)
    for name in np.unique(section):
        members = section == name
        half[members] = xy[members, 0] > np.median(xy[members, 0])
    return half


def settle(tissue: Tissue, choice: Choice, seed: int) -> tuple[Reader, Ground, NDArray[np.intp]]:
    """With nothing hidden: the reader, the ground over whole sections, and the rows of its places."""
    rows = np.flatnonzero(np.isfinite(tissue.measured).all(axis=1))
    reader = learn(tissue, rows, tissue.measured, seed)
    ground = ground_of(reader, choice.kind, replace(tissue, half=np.zeros_like(tissue.half)), rows, tissue.measured)
    _, ground = sharpen(ground.places, ground, choice.sharpness)
    if choice.firmness:
        known = np.random.default_rng(seed).permutation(np.flatnonzero(tissue.told))[:BACKGROUND]
        own = tell(reader, choice.kind, tissue, centred(tissue, tissue.told)[0], known) * np.float32(choice.sharpness)
        ground = replace(ground, offset=ground.offset + find_potentials(own, ground, choice.firmness))
    return reader, ground, rows


def read_reference(run: RunRecord, tissue: Tissue, reader: Reader, choice: Choice, seed: int) -> Floats:
    """a' of every reference cell, its expression at the tissue's depth."""
    folder = layout.result_folder(run.id)
    path = folder / f"context_{run.reference}.zarr"
    predicted = read_columns(path)[0] - reader.centre
    if choice.kind == "context":
        return reader.tell("context", predicted, tissue.expression, tissue.scale) * np.float32(choice.sharpness)
    cells = read_panel(run, index.get(DatasetRecord, run.reference), column_genes(path))
    draws = depth.alike(cells.expression, cells.scale, tissue.expression, tissue.scale, seed)
    told = [reader.tell(choice.kind, predicted, next(draws), tissue.scale) for _ in range(DRAWS)]
    return np.asarray(np.mean(told, axis=0) * choice.sharpness, dtype=np.float32)


def names_of(told: Floats) -> tuple[str, ...]:
    return tuple(f"pair {number + 1}" for number in range(told.shape[1]))


def write_ground(path: Path, ground: Ground, rows: NDArray[np.intp], n: int) -> None:
    values = np.full((n, ground.places.shape[1] + 1), np.nan, dtype=np.float32)
    values[rows] = np.column_stack([ground.places, ground.offset])
    write_columns(path, values, (*names_of(ground.places), "offset"))
