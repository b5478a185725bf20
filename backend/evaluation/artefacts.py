"""What a run leaves in its result folder: the model, contexts, scores and the summary."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.analysis.context import surroundings
from backend.datasets.paired import Pair
from backend.evaluation.opened import OpenedRun
from backend.evaluation.scores import combine_folds, compare, medians, verdict
from backend.methods.contract import Cells, Fitted, Floats, RunContext
from backend.records import now
from backend.store import matrix
from backend.store.arrays import write_columns
from backend.store.layout import write_json

PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "pandas")
FOLD_NAMES = {"halves": "both halves", "validation": "validation"}


class HeldOut(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def rows(self) -> NDArray[np.intp] | None: ...


def write_models(result: Path, opened: OpenedRun, shown: Fitted) -> None:
    """`fits/final/`: the fit whose predictions are shown."""
    folder = result / "fits" / "final"
    folder.mkdir(parents=True)
    shown.save(folder)


def write_predictions(
    result: Path, opened: OpenedRun, pair: Pair, shown: Fitted, quiet: RunContext, validated: Floats | None
) -> None:
    """`context_<reference>` and, with a validation tissue, its `context_` (`validated`) and `truth_`; the tissue's
    `truth_`; `attention.parquet` where the method gives attention."""
    panel = opened.plan.panel_genes
    reference = shown.predict(pair.data.reference, quiet)
    write_columns(result / f"context_{opened.reference.id}.zarr", reference.values, panel)
    if "attention" in reference.extras:
        write_attention(result, opened, reference.extras["attention"])
    write_truth(result, opened.tissue.id, pair.data.tissue.of_genes(panel), opened.sigma_um)
    if opened.validation is not None and pair.validation is not None and validated is not None:
        write_columns(result / f"context_{opened.validation.id}.zarr", validated, panel)
        write_truth(result, opened.validation.id, pair.validation.of_genes(panel), opened.sigma_um)


def write_attention(result: Path, opened: OpenedRun, weights: Any) -> None:
    from backend.methods.scxm.attention import attention_table

    cells = matrix.obs(opened.reference.id, ["type"])
    types = cells["type"].astype(str).to_numpy() if "type" in cells else None
    table = attention_table(weights, opened.plan.input_genes, cells.index.to_numpy(), types)
    table.to_parquet(result / "attention.parquet")


def write_truth(result: Path, dataset_id: str, cells: Cells, sigma_um: float) -> None:
    """Measured contexts without the cell itself, over all cells; NaN for a cell without a neighbour."""
    assert cells.coordinates is not None
    values, known = surroundings(cells.coordinates, cells.section, sigma_um, cells.expression)
    values[~known] = np.nan
    write_columns(result / f"truth_{dataset_id}.zarr", values, cells.genes)


def write_held_out(
    result: Path, opened: OpenedRun, pair: Pair, predictions: dict[str, Floats], trials: Sequence[HeldOut]
) -> None:
    """`held_out_<tissue>`: each tissue cell as the fit that did not see it predicts it, NaN in the buffer."""
    panel = opened.plan.panel_genes
    rows = {trial.name: trial.rows for trial in trials if trial.rows is not None}
    if not rows:
        return
    values = np.full((pair.data.tissue.n_cells, len(panel)), np.nan, dtype=np.float32)
    for name, predicted in predictions.items():
        values[rows[name]] = predicted
    write_columns(result / f"held_out_{opened.tissue.id}.zarr", values, panel)


def write_scores(
    result: Path, opened: OpenedRun, tables: list[pd.DataFrame], ceilings: list[float], facts: dict[str, Any]
) -> dict[str, Any]:
    """`scores.parquet` (one row per gene, method and self_loop), `scores_by_fold.parquet`, `summary.json` and
    `manifest.json`. Returns the few numbers that a list of runs shows."""
    by_fold = pd.concat(tables, ignore_index=True)
    scores = combine_folds(by_fold, FOLD_NAMES[opened.run.split])
    scores.to_parquet(result / "scores.parquet", index=False)
    by_fold.to_parquet(result / "scores_by_fold.parquet", index=False)
    rows = medians(scores)
    own = next(row for row in rows if row["method"] == opened.run.method and not row["self_loop"])
    comparisons = compare(scores, opened.run.method)
    words = verdict(opened.card.title, own["pcc"], comparisons)
    about = {**opened.run.model_dump(mode="json", exclude={"created", "owner"}), **facts, "made": now()}
    about |= {"title": opened.card.title, "sigma_um": opened.sigma_um, "versions": _versions()}
    summary = about | {
        "verdict": words,
        "medians": rows,
        "comparisons": comparisons,
        "ceiling": float(np.mean(ceilings)) if ceilings else None,
        "folds": len(tables),
        "n_cells": int(scores.n_cells.iloc[0]),
        "n_panel": len(opened.plan.panel_genes),
        "n_inputs": len(opened.plan.input_genes),
    }
    write_json(result / "summary.json", summary)
    prints = {part.id: part.fingerprint for part in (opened.tissue, opened.reference, opened.validation) if part}
    genes = {"input_genes": opened.plan.input_genes, "panel_genes": opened.plan.panel_genes}
    write_json(result / "manifest.json", about | {"fingerprints": prints, **genes})
    return {"median": own["pcc"], "median_self_loop": _with_loop(rows, opened.run.method), "verdict": words}


def _with_loop(rows: list[dict[str, Any]], method: str) -> float | None:
    return next((row["pcc"] for row in rows if row["method"] == method and row["self_loop"]), None)


def _versions() -> dict[str, str]:
    return {name: version(name) for name in PACKAGES} | {"python": platform.python_version()}
