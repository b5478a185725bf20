"""How long one fold of imputation takes: ours beside tangram-sc and scvi-tools, on the same cells of the demo."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.datasets.simulated import Sample, simulate
from backend.evaluation.genes.bench.evaluate import Request, evaluate, imputers
from backend.records import Answers
from benchmarks.imputation import MODULES
from benchmarks.measured import Row

CELLS = 1000  # of either side
METHODS = ("best", "spagene", "casper", "spage", "knn", "tangram", "gimvi")


def measure(folder: Path) -> list[Row]:
    """Each method's defaults, one of five folds, in a process of its own; seconds of fitting and imputing. What is not
    installed is said, and left out."""
    methods, missing = [], []
    for name in METHODS:
        if name in imputers():
            installed = name not in MODULES or importlib.util.find_spec(MODULES[name]) is not None
            (methods if installed else missing).append(name)
    if missing:
        print(f"{' and '.join(missing)} left out: requirements-extra.txt is not installed.", flush=True)
    demo = simulate(0)
    every = demo.reference.counts.shape[0] // CELLS
    files = [
        write(folder / "tissue.h5ad", demo.tissue, np.arange(CELLS), demo.tissue.coordinates_um),
        write(folder / "reference.h5ad", demo.reference, np.arange(CELLS) * every, None),
    ]
    answers = Answers(unit="um", species="human", section_column="", spots=False)
    request = Request(tuple(methods), *files, folder / "speed.json", only=(0,), answers=answers)
    found = evaluate(request)
    return [row(name, found["methods"][name], found["folds"][0]["targets"]) for name in methods]


def row(name: str, found: dict[str, Any], genes: int) -> Row:
    what = f"{found['title']}: {genes} genes imputed in {CELLS:,} cells from {CELLS:,}"
    if found.get("error"):
        return Row(what, float("nan"), "s", note=found["error"]["what"])
    return Row(
        what, found["seconds"], "s", note=f"peak {found['peak_mb'] / 1000:.2f} GB, mean r {found['pcc_mean']:.3f}"
    )


def write(path: Path, sample: Sample, rows: NDArray[np.intp], places: NDArray[np.float32] | None) -> Path:
    """Some cells of a sample as h5ad. places: of all its cells."""
    import anndata

    data = anndata.AnnData(sample.counts[rows], var=pd.DataFrame(index=list(sample.genes)))
    if places is not None:
        data.obsm["spatial"] = places[rows]
    data.write_h5ad(path)
    return path
