"""Job handler: split one type's cells by a predicted context and test every gene between the groups.

The groups come from a prediction made of the same cells' transcriptome, so genes differ by construction (SCXM §3.4).
Three things are therefore told with the table: what random groupings find, what splits by *other* genes' predicted
contexts find in the same cells, and, where the context was measured too, how well the split agrees with it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.analysis.differential import SIGNIFICANT, Comparison, split_alike
from backend.analysis.niches import Split, otsu, split_cells
from backend.datasets.expression import log_normalise
from backend.datasets.paired import names_as_in
from backend.errors import NotFound, UserError
from backend.records import DatasetRecord, RunRecord
from backend.store import index, keys, layout, matrix
from backend.store.arrays import read_column, read_columns
from backend.training.job import Job

SHUFFLES = 100
OTHER_GENES = 100

CIRCULAR = (
    "The two groups were made by a prediction from these cells' own expression, so genes that the model reads differ "
    "by construction: this table shows what the prediction goes with, and proves no effect of the surroundings."
)


def find(params: dict[str, Any], job: Job) -> dict[str, Any]:
    """params: run, dataset, types ("column" or an annotation job), type, gene, threshold (None: Otsu), seed (0).

    Writes `table.parquet` (a row per gene), `cells.parquet` (cell, group, context, measured) and `facts.json`, and
    returns those facts."""
    run = index.get(RunRecord, params["run"])
    record = index.get(DatasetRecord, params["dataset"])
    job.stage("splitting the cells")
    folder, name = _predictions(run.id, record)
    context = read_column(folder / name, params["gene"])
    types = types_of(record.id, params["types"])
    split = split_cells(context, types == params["type"], params["threshold"], f"cells of type {params['type']}")
    job.report(1, 4)
    job.stage("comparing genes")
    values, genes = matrix.cell_rows(record.id, split.rows), tuple(map(str, matrix.var(record.id).index))
    comparison = Comparison(log_normalise(values, record.scale), genes, split.clustered)
    table = _mark_inputs(comparison.table(), run, record)
    job.report(2, 4)
    job.stage("finding what chance would give")
    seed = int(params.get("seed", 0))
    null = _null(comparison, table, folder / name, params["gene"], split, seed)
    job.report(3, 4)
    facts = _facts(params, split, table, len(genes)) | {"null": null, "predicted_by": _words(name)}
    measured = _measured(folder, record.id, params["gene"], split.rows)
    if measured is not None:
        facts["agreement"] = _agreement(measured, context[split.rows], seed)
    facts["warnings"] = _warnings(facts)
    cells = matrix.obs(record.id, []).index.to_numpy()[split.rows]
    groups = np.where(split.clustered, "clustered", "isolated")
    shown = pd.DataFrame({"cell": cells, "group": groups, "context": context[split.rows]})
    shown["measured"] = np.nan if measured is None else measured
    table.to_parquet(job.result / "table.parquet", index=False)
    shown.to_parquet(job.result / "cells.parquet", index=False)
    layout.write_json(job.result / "facts.json", facts)
    job.report(4, 4)
    return facts


def _predictions(run_id: str, record: DatasetRecord) -> tuple[Path, str]:
    """The folder and the name of the run's predictions for a data set: its own, or those of its application."""
    applied = layout.result_folder(keys.job_id("predict", {"run": run_id, "dataset": record.id}))
    for folder in (layout.result_folder(run_id), applied):
        for name in (f"context_{record.id}.zarr", f"held_out_{record.id}.zarr"):
            if (folder / name).exists():
                return folder, name
    raise NotFound(f"The run has predicted nothing for {record.name!r} yet.", mend="Apply it to that data set first.")


def types_of(dataset_id: str, source: str) -> NDArray[np.object_]:
    """The type of each cell, in the data set's order."""
    cells = matrix.obs(dataset_id, ["type"])
    if source != "column":
        found = pd.read_parquet(layout.result_folder(source) / "types.parquet").set_index("cell")["type"]
        return np.asarray(found.astype(object).reindex(cells.index), dtype=object)
    if "type" not in cells:
        raise UserError("This data set names no cell types.", mend="Work them out on the Data page first.")
    return np.asarray(cells["type"].astype(object), dtype=object)


def _mark_inputs(table: pd.DataFrame, run: RunRecord, record: DatasetRecord) -> pd.DataFrame:
    """Add `read_by_model`: genes that the prediction was made from."""
    path = layout.result_folder(run.id) / "manifest.json"
    inputs = set(layout.read_json(path)["input_genes"]) if path.exists() else set()
    own = tuple(map(str, matrix.var(record.id).index))
    theirs = dict(zip(own, names_as_in(index.get(DatasetRecord, run.tissue), record, run.orthologues)))
    return table.assign(read_by_model=[theirs.get(gene) in inputs for gene in table["gene"]])


def _null(
    comparison: Comparison, table: pd.DataFrame, path: Path, gene: str, split: Split, seed: int
) -> dict[str, Any]:
    """What random groupings, and splits by other genes' predicted contexts, find among the same cells."""
    found, largest = comparison.significant(comparison.shuffled(SHUFFLES, seed))
    limit = float(np.quantile(largest, 1 - SIGNIFICANT))
    null = {
        "shuffles": SHUFFLES,
        "expected": float(found.mean()),
        "most": int(found.max()),
        "z_limit": limit,
        "beyond": int((table["z"].abs() > limit).sum()),
    }
    values, names = read_columns(path)
    others = np.flatnonzero([name != gene for name in names])
    chosen = np.sort(np.random.default_rng(seed).permutation(others)[:OTHER_GENES])
    if len(chosen):
        other_values = np.nan_to_num(values[np.ix_(split.rows, chosen)], nan=-np.inf)
        counts, _ = comparison.significant(split_alike(other_values, int(split.clustered.sum())))
        low, middle, high = (float(end) for end in np.quantile(counts, [0.05, 0.5, 0.95]))
        null |= {"others": len(chosen), "others_low": low, "others_median": middle, "others_high": high}
    return null


def _measured(folder: Path, dataset_id: str, gene: str, rows: NDArray[np.intp]) -> NDArray[np.float32] | None:
    path = folder / f"truth_{dataset_id}.zarr"
    return read_column(path, gene)[rows] if path.exists() else None


def _agreement(measured: NDArray[np.floating], predicted: NDArray[np.floating], seed: int) -> dict[str, Any] | None:
    """AUROC of the prediction for the measured groups (Otsu of the measured context), and what shuffling gives."""
    from sklearn.metrics import roc_auc_score

    known = np.isfinite(measured)
    if len(np.unique(measured[known])) < 2:
        return None
    threshold = otsu(measured)
    truth = measured[known] >= threshold
    if truth.all() or not truth.any():
        return None
    random = np.random.default_rng(seed)
    chance = [roc_auc_score(random.permutation(truth), predicted[known]) for _ in range(200)]
    return {
        "auroc": float(roc_auc_score(truth, predicted[known])),
        "chance_high": float(np.quantile(chance, 0.95)),
        "measured_threshold": threshold,
        "cells": int(known.sum()),
    }


def _facts(params: dict[str, Any], split: Split, table: pd.DataFrame, n_genes: int) -> dict[str, Any]:
    sure = table["fdr"] < SIGNIFICANT
    return {
        "gene": params["gene"],
        "type": params["type"],
        "cells": len(split.rows),
        "clustered": int(split.clustered.sum()),
        "isolated": int((~split.clustered).sum()),
        "threshold": split.threshold,
        "threshold_from": split.how,
        "tested": len(table),
        "skipped": n_genes - len(table),
        "significant": int(sure.sum()),
        "significant_not_read": int((sure & ~table["read_by_model"]).sum()),
        "not_read": int((~table["read_by_model"]).sum()),
        "test": "Wilcoxon rank-sum, two-sided, on log-normalised expression; Benjamini–Hochberg over the genes tested",
    }


def _warnings(facts: dict[str, Any]) -> list[str]:
    null, found = facts["null"], facts["significant"]
    said = [CIRCULAR]
    if "others" in null and found <= null["others_high"]:
        said.append(
            f"Splits of the same cells by {null['others']} other genes' predicted contexts find "
            f"{null['others_median']:.0f} genes (median; 90 % of them {null['others_low']:.0f} to "
            f"{null['others_high']:.0f}); this one finds {found:,}. So the list is not particular to {facts['gene']}."
        )
    agreement = facts.get("agreement")
    if agreement and agreement["auroc"] <= agreement["chance_high"]:
        said.append(
            f"Against the measured context the split is no better than chance (AUROC {agreement['auroc']:.2f}; "
            f"shuffled cells reach {agreement['chance_high']:.2f})."
        )
    return said


def _words(name: str) -> str:
    return "fits that did not see the cell" if name.startswith("held_out") else "the final fit"
