"""Job handler: apply a run's model to another data set. Genes are aligned by name; too few of them are refused."""

from __future__ import annotations

from typing import Any

from backend.datasets.paired import names_as_in, read_cells
from backend.errors import GeneMismatch, NotFound
from backend.evaluation.artefacts import write_truth
from backend.evaluation.fits import Quiet
from backend.evaluation.opened import open_run
from backend.methods import registry
from backend.records import DatasetRecord, RunRecord
from backend.store import index
from backend.store.arrays import write_columns
from backend.store.layout import read_json, result_folder, write_json
from backend.training.job import Job

FEWEST_SHARE = 0.5  # of the input genes: below, most of what the model reads would be made up of zeros


def predict(params: dict[str, Any], job: Job) -> dict[str, Any]:
    """params: run, dataset. Writes `context_<dataset>.zarr` (and, where the data set has coordinates and the panel,
    `truth_<dataset>.zarr`) and `facts.json`; returns those facts. Raises `GeneMismatch`, `NotFound`."""
    job.stage("reading the model and the data")
    run = index.get(RunRecord, params["run"])
    record = index.get(DatasetRecord, params["dataset"])
    manifest = _manifest(run.id)
    inputs, panel = tuple(manifest["input_genes"]), tuple(manifest["panel_genes"])
    names = names_as_in(index.get(DatasetRecord, run.tissue), record, run.orthologues)
    facts = count_genes(inputs, {name for name in names if name}, record)
    opened = open_run(run)
    cells = read_cells(record, inputs, names)
    fitted = registry.method(run.method).load(result_folder(run.id) / "fits" / "final")
    job.stage("predicting")
    predicted = fitted.predict(cells, Quiet(job.fit_context("predict", run.seed)))
    write_columns(job.result / f"context_{record.id}.zarr", predicted.values, panel)
    if cells.coordinates is not None and not set(facts["missing"]) & set(panel):
        write_truth(job.result, record.id, cells.of_genes(panel), opened.sigma_um)
    facts |= {"run": run.id, "dataset": record.id, "n_cells": cells.n_cells}
    write_json(job.result / "facts.json", facts)
    return facts


def count_genes(inputs: tuple[str, ...], known: set[str], record: DatasetRecord) -> dict[str, Any]:
    """How many of the model's genes the data set measured, and which not. Raises `GeneMismatch` below half of them."""
    missing = [gene for gene in inputs if gene not in known]
    found = len(inputs) - len(missing)
    if found < FEWEST_SHARE * len(inputs):
        raise GeneMismatch(
            f"{record.name} has {found} of the {len(inputs)} genes that this model reads.",
            f"Missing are {', '.join(missing[:8])}{', …' if len(missing) > 8 else ''}; its own names look like "
            f"{', '.join(sorted(known)[:4]) or 'nothing known'}. With fewer than half a prediction would be made up.",
            "Choose a data set of the same species with more of these genes, or train on a panel that both share.",
        )
    words = "All genes that the model reads are there."
    if missing:
        words = f"{len(missing)} of {len(inputs)} genes that the model reads are missing here; they count as zero."
    return {"genes": len(inputs), "found": found, "missing": missing, "words": words}


def _manifest(run_id: str) -> dict[str, Any]:
    path = result_folder(run_id) / "manifest.json"
    if not path.exists():
        raise NotFound(f"The run {run_id} has no result yet.", mend="Wait until it is done, or start it again.")
    manifest: dict[str, Any] = read_json(path)
    return manifest
