"""A finished imputation of the small study, made up: scores, verdicts, doubts, weights over centroids."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from backend import api
from backend.records import JobState, JobStatus, RunRecord, StudyRecord, now
from backend.store import arrays, index, layout
from tests.pages.conftest import N_CELLS, PANEL

LEVELS = ("cell", "bin", "type", "niche")
CENTROIDS = 4


def write_imputation(study: StudyRecord, method: str, level: float = 0.3, *, attends: bool = False) -> RunRecord:
    """A run whose genes score `level` and a little more each. attends: it left weights over four centroids."""
    rng = np.random.default_rng(0)
    record = RunRecord(
        id=f"{method}-small", method=method, version=1, config={}, seed=0, tissue=study.tissue,
        reference=study.reference, split="genes",
    )  # fmt: skip
    folder = layout.result_folder(record.id)
    folder.mkdir(parents=True)
    _write_tables(folder, method, level, rng)
    facts: dict[str, object] = {"title": method, "seconds": 12.0, "units": "tissue", "verdict": f"{method} is made up."}
    facts |= {"pcc_mean": level, "pcc_depth_partial_mean": level}
    layout.write_json(folder / "summary.json", facts)
    layout.write_json(folder / "manifest.json", {"id": record.id})
    if attends:
        weights = rng.dirichlet(np.full(CENTROIDS, 0.3), N_CELLS).astype(np.float32)
        names = tuple(map(str, range(CENTROIDS)))
        arrays.write_columns(folder / f"attention_{study.tissue}.zarr", weights, names)
        members = pd.DataFrame({"centroid": np.arange(N_CELLS, dtype=np.int32) % CENTROIDS})
        members.to_parquet(folder / "attention_members.parquet")
    index.put(record)
    done = JobStatus(id=record.id, kind=method, params={}, state=JobState.SUCCEEDED, finished=now())
    index.put(done.model_copy(update={"result": {"mean": level}}))
    return record


def _write_tables(folder: Path, method: str, level: float, rng: np.random.Generator) -> None:
    ranks = np.arange(len(PANEL))
    rows = [
        {"gene": gene, "method": method, "level": name, "fold": "genes-1", "pcc": level + 0.05 * place,
         "pcc_depth_partial": level, "srcc": level, "ssim_li": 0.1, "ssim_spagene": 0.2, "rmse": 0.5, "mape": 90.0,
         "js": 0.3, "n": N_CELLS, "constant": False}
        for place, gene in enumerate(PANEL) for name in LEVELS
    ]  # fmt: skip
    pd.DataFrame(rows).to_parquet(folder / "scores.parquet")
    genes = pd.DataFrame({"gene": [*PANEL, "GAPDH"], "measured": [True] * len(PANEL) + [False]})
    genes["score"] = [*(level + 0.05 * ranks), np.nan]
    genes["predicted_score"], genes["detection_tissue"] = level, [*(0.1 + 0.1 * ranks), np.nan]
    genes["verdict"], genes["reasons"] = ["figure", "supplement", "no", "no", "no", "no"], "made up"
    genes.to_parquet(folder / "genes.parquet")
    cells = pd.DataFrame({"type": ["T cell", "tumour"] * (N_CELLS // 2), "niche": ["niche 1"] * N_CELLS, "block": 0})
    cells.to_parquet(folder / "cells.parquet")
    covered = [
        {"cells": who, "tercile": third, "coverage": 0.9, "low": 0.85, "high": 0.95, "score": 1.0, "n": 10}
        for who, third in (("all", "all"), ("detected", "all"), ("undetected", "all"), ("all", "low"), ("all", "high"))
    ]
    told = {"spearman": 0.6, "low": 0.2, "high": 0.9, "n": len(PANEL)}
    layout.write_json(folder / "trust.json", {"coverage": covered, "predicted_score": told})
    pairs = pd.DataFrame(
        {"gene": PANEL, "predicted": level - 0.02 * ranks, "low": 0.1, "high": 0.5, "score": level + 0.05 * ranks}
    )
    pairs.to_parquet(folder / "predicted_scores.parquet")


def made_up_layers(run_id: str, gene: str, study_id: str | None = None) -> api.imputed.GeneLayers:
    """In the place of `api.imputed.gene_layers`: numbers for every cell of the tissue."""
    values = np.random.default_rng(len(gene)).random((6, N_CELLS)).astype(np.float32)
    names = np.array(["T cell", "tumour"] * (N_CELLS // 2), dtype=object)
    nowhere = np.zeros(N_CELLS, dtype=bool)
    return api.imputed.GeneLayers(gene, "tissue", *values[:4], nowhere, *values[4:], names, nowhere)
