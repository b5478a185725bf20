"""What an evaluation found, as one JSON document."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from backend.errors import UserError
from backend.evaluation.genes import compare
from backend.evaluation.genes.metrics import SCORES

if TYPE_CHECKING:
    from backend.evaluation.genes.bench.evaluate import Bench, Scored

CO_PRIMARY = ("pcc", "pcc_depth_partial")
_PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "anndata", "scanpy", "scvi-tools", "tangram-sc")


def document(bench: Bench, titles: Mapping[str, str], done: Mapping[str, Scored | UserError]) -> dict[str, Any]:
    """`methods` by the name asked, each with its means, genes and facts; `comparisons` of each pair of methods; the
    `verdict` on the method that was named first. A method that could not be scored has an `error` and no numbers."""
    scored = {asked: found for asked, found in done.items() if not isinstance(found, UserError)}
    methods = {
        asked: {"title": titles[asked], **_method(found, bench.request.seed)}
        if not isinstance(found, UserError)
        else {"title": titles[asked], **_failed(found)}
        for asked, found in done.items()
    }
    table = pd.concat([_cells(found).assign(method=asked) for asked, found in scored.items()], ignore_index=True)
    pairs = {score: compare.every_pair(table, list(scored), score) for score in CO_PRIMARY}
    for row in pairs["pcc"]:
        row["block_interval"] = _block_difference(scored[row["method"]], scored[row["other"]])
    first = next(iter(scored))
    return {
        **_task(bench),
        "methods": methods,
        "comparisons": [row for rows in pairs.values() for row in rows],
        "winners": compare.winners(table),
        "verdict": compare.verdict(first, pairs["pcc"], titles),
    }


def _task(bench: Bench) -> dict[str, Any]:
    request, tissue = bench.request, bench.trials[0]
    folds = [
        {
            "fold": trial.number,
            "inputs": len(trial.fold.inputs),
            "targets": len(trial.fold.targets),
            "cells_seen": trial.view.tissue.n_cells,
            "cells_scored": len(trial.rows),
            "border": trial.border or None,
        }
        for trial in bench.trials
    ]
    return {
        "track": request.track,
        "truth": request.plan.truth,
        "split": request.plan.split if request.track == "unseen-region" else None,
        "seed": request.seed,
        "tissue": {"file": request.tissue.name, "scale": tissue.view.tissue.scale, "first_cells": request.cells},
        "reference": {
            "file": request.reference.name,
            "scale": bench.files.reference.scale,
            "cells": bench.files.reference.n_cells,
            "genes": len(bench.files.reference.genes),
        },
        "shared_genes": len(bench.files.shared),
        "of_folds": request.folds,
        "folds": folds,
        "threads": bench.threads,
        "versions": versions(),
        "warnings": list(bench.warnings),
    }


def _method(found: Scored, seed: int) -> dict[str, Any]:
    cells, facts = _cells(found), found.facts
    total, count = found.draws
    return {
        **compare.summary(cells),
        "ssim_mean": compare.summary(cells)["ssim_li_mean"],
        "n": int(cells["n"].max()),
        "seconds": sum(fold["seconds"] for fold in facts["folds"].values()),
        "peak_mb": facts["peak_mb"],
        "start_mb": facts["start_mb"],
        "device": facts["device"],
        "config": facts["config"],
        "intervals": {
            **{f"{score}_genes": compare.gene_interval(cells[score].to_numpy(), seed) for score in CO_PRIMARY},
            "pcc_blocks": _ends(total / count) if count else None,
        },
        "levels": {
            str(level): {**compare.summary(rows), "n": int(rows["n"].max())}
            for level, rows in found.scores.groupby("level", sort=False)
        },
        "folds": facts["folds"],
        "genes": found.scores.loc[found.scores["level"] == "cell", _columns()].to_dict(orient="records"),
        "genes_by_level": found.scores.loc[found.scores["level"] != "cell", ["level", *_columns()]].to_dict("records"),
    }


def _columns() -> list[str]:
    return ["gene", "fold", *SCORES, "n", "constant"]


def _failed(error: UserError) -> dict[str, Any]:
    names = (*(f"{score}_mean" for score in SCORES), "ssim_mean", "seconds", "peak_mb")
    return {**dict.fromkeys(names), "genes": [], "error": error.to_dict()}


def _cells(found: Scored) -> pd.DataFrame:
    return found.scores[found.scores["level"] == "cell"]


def _block_difference(one: Scored, other: Scored) -> list[float] | None:
    """Both were drawn alike: the same blocks in every draw."""
    (a, n), (b, m) = one.draws, other.draws
    return _ends(a / n - b / m) if n and m else None


def _ends(draws: np.ndarray) -> list[float]:
    return [float(end) for end in np.quantile(draws, [0.025, 0.975])]


def versions() -> dict[str, str]:
    """Of Python and the packages that numbers can depend on."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def plain(value: Any) -> Any:
    """For JSON: numpy's numbers as Python's; what is not finite as null."""
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
