"""What a run of an imputation leaves in its result folder, but for the matrices that are written as they come."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.analysis.imputation.verdict import ORDER
from backend.evaluation.genes.compare import compare, gene_interval, verdict
from backend.evaluation.genes.compare import summary as summarise
from backend.evaluation.imputed.held_out import HeldOut
from backend.evaluation.imputed.opened import OpenedImputation
from backend.evaluation.imputed.trust import Trust
from backend.methods import registry
from backend.records import now
from backend.store.arrays import write_columns
from backend.store.layout import write_json

PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "pandas")


def write_held_out(result: Path, opened: OpenedImputation, held: HeldOut) -> None:
    """`held_out_<tissue>`: every shared gene as the fold that hid it imputes it, by name; NaN where it was not read."""
    order = np.argsort(np.array(held.genes, dtype=object))
    genes = tuple(held.genes[at] for at in order)
    write_columns(result / f"held_out_{opened.tissue.id}.zarr", held.imputed[:, order], genes)


def write_cells(
    result: Path,
    labels: dict[str, NDArray[np.generic]],
    depth: dict[str, NDArray[np.float64]],
) -> None:
    """`cells.parquet`: one row per tissue cell: the labels (type, niche, block) and depth_<fold>."""
    columns = {**labels, **{f"depth_{fold}": values.astype(np.float32) for fold, values in depth.items()}}
    pd.DataFrame(columns).to_parquet(result / "cells.parquet", index=False)


def write_trust(result: Path, trust: Trust, relatives: Sequence[pd.DataFrame]) -> None:
    """`genes.parquet`, `intervals.json`, `trust.json`, `predicted_scores.parquet`, `relatives.parquet`."""
    trust.genes.to_parquet(result / "genes.parquet", index=False)
    write_json(result / "intervals.json", trust.intervals.to_json())
    found = trust.predicted
    spearman = {"spearman": found.spearman, "low": found.spearman_low, "high": found.spearman_high}
    said = {"coverage": trust.coverage, "predicted_score": {**spearman, "n": len(found.known)}}
    write_json(result / "trust.json", said)
    found.known.to_parquet(result / "predicted_scores.parquet", index=False)
    pd.concat(relatives, ignore_index=True).sort_values("gene").to_parquet(result / "relatives.parquet", index=False)


def write_scores(
    result: Path, opened: OpenedImputation, tables: Sequence[pd.DataFrame], trust: Trust, facts: dict[str, Any]
) -> dict[str, Any]:
    """`scores.parquet`, `summary.json` and `manifest.json`. Returns the few numbers that a list of runs shows."""
    scores = pd.concat(tables, ignore_index=True)
    scores.to_parquet(result / "scores.parquet", index=False)
    run = opened.run
    cells = scores[scores["level"] == "cell"]
    methods = [run.method, *(name for name in dict.fromkeys(cells["method"]) if name != run.method)]
    comparisons = compare(cells, run.method, methods[1:])
    titles = {name: registry.card(name).title for name in methods}
    means = {name: summarise(cells[cells["method"] == name]) for name in methods}
    words = verdict(run.method, comparisons, titles)
    own = cells[cells["method"] == run.method]
    about = {**run.model_dump(mode="json", exclude={"created", "owner"}), **facts, "made": now()}
    about |= {"title": opened.card.title, "versions": _versions()}
    summary = about | {
        "verdict": words,
        "means": means,
        "comparisons": comparisons,
        "pcc_mean": means[run.method]["pcc_mean"],
        "pcc_interval": gene_interval(own["pcc"].to_numpy()),
        "pcc_depth_partial_mean": means[run.method]["pcc_depth_partial_mean"],
        "verdicts": _counted(trust.genes),
        "n_cells": opened.tissue.n_cells,
        "n_shared": int(trust.genes["measured"].sum()),
        "n_imputed": int((~trust.genes["measured"]).sum()),
    }
    write_json(result / "summary.json", summary)
    prints = {part.id: part.fingerprint for part in (opened.tissue, opened.reference)}
    write_json(result / "manifest.json", about | {"fingerprints": prints})
    return {"mean": summary["pcc_mean"], "mean_partial": summary["pcc_depth_partial_mean"], "verdict": words}


def _counted(genes: pd.DataFrame) -> dict[str, dict[str, int]]:
    """How many measured and unmeasured genes have each verdict."""
    groups = {"measured": genes[genes["measured"]], "unmeasured": genes[~genes["measured"]]}
    return {
        name: {verdict: int((part["verdict"] == verdict).sum()) for verdict in ORDER} for name, part in groups.items()
    }


def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
