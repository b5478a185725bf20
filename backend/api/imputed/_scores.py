"""How a run of an imputation scored, and taking it home."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from backend.api._results import export_run
from backend.api._runs import finished, is_imputer, run
from backend.errors import UserError
from backend.records import RunRecord
from backend.store import layout


def is_imputation(record: RunRecord) -> bool:
    """Whether a run completes a panel (its genes are *in* the cell) rather than predicts contexts."""
    return is_imputer(record.method)


def imputation_scores(run_id: str) -> pd.DataFrame:
    """One row per gene, method and level ("cell", "bin", "type", "niche"): fold, pcc, pcc_depth_partial, srcc, ssim_li,
    ssim_spagene, rmse, mape, js, n, constant. `method`: the run's own and its comparators, on the same folds."""
    return pd.read_parquet(result(run_id) / "scores.parquet")


def trust(run_id: str) -> dict[str, Any]:
    """How far the run's own statements hold. `coverage`: of the 90 % intervals, a list of rows (cells: "all",
    "detected", "undetected"; tercile: "all", "low", "middle", "high"; coverage, low, high [95 %, over genes], score
    [interval score], n). `predicted_score`: spearman with the held-out score, low, high, n, and `pairs`, a table of
    gene, predicted, low, high, score, each as other genes predict it."""
    folder = result(run_id)
    said = dict(layout.read_json(folder / "trust.json"))
    said["predicted_score"]["pairs"] = pd.read_parquet(folder / "predicted_scores.parquet")
    return said


def export_imputed(run_id: str, out: Path, printable: bool = False) -> Path:
    """Write the tissue with its imputed genes, whole or not at all: `.h5ad` or `.zarr`; printable: without those that
    should not be shown. See `backend.evaluation.imputed.export`. Returns the path."""
    result(run_id)
    return export_run(run_id, out, printable)


def result(run_id: str) -> Path:
    """The result folder of a finished imputation. Raises `UserError` for another run."""
    if not is_imputation(run(run_id)):
        raise UserError(f"The run {run_id} imputes no genes.", "It predicts contexts.", "Choose an imputation.")
    return layout.result_folder(finished(run_id).id)
