"""Published methods on the same views as all others, each in a process of its own, scored here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from backend import settings
from backend.evaluation.genes import compare
from backend.evaluation.genes.bench.alone import THREADS
from backend.evaluation.genes.bench.evaluate import Request
from backend.evaluation.genes.bench.files import open_files
from backend.evaluation.genes.bench.handed import REFERENCE, read_imputed, write_cells, write_view
from backend.evaluation.genes.folds import gene_folds
from backend.evaluation.genes.tracks import check_imputed, make_trial, score_trial, trial_levels
from backend.settings import PROJECT

PUBLISHED = ("stplus", "stdiff")


def score_published(request: Request, method: str, epochs: int = 0) -> dict[str, Any]:
    """The means, time and memory of one method, and a row per gene. epochs: 0: as published."""
    loaded = settings.load()
    files = open_files(request.tissue, request.reference, loaded.max_upload_mb, request.answers, request.cells)
    folds = gene_folds(files.shared, request.folds)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_cells(folder / REFERENCE, files.reference)
        trials = []
        for number in request.only or range(len(folds)):
            trial = make_trial(
                request.track, files.open(folds[number].inputs).pair, number, folds[number], request.plan
            )
            write_view(folder / f"view-{number}.npz", trial.view)
            trials.append(trial)
        command = [sys.executable, "-m", "benchmarks.published", name, method, str(request.seed), str(epochs)]
        environment = os.environ | dict.fromkeys(THREADS, str(loaded.threads))
        subprocess.run(command, cwd=PROJECT, env=environment, check=True)
        facts = json.loads((folder / "facts.json").read_text())
        tables = []
        for trial in trials:
            imputed = read_imputed(folder / f"{method}-{trial.number}.npz")
            check_imputed(imputed, trial, method)
            tables.append(score_trial(trial, imputed, trial_levels(trial)))
    rows = pd.concat(tables, ignore_index=True)
    rows = rows[rows["level"] == "cell"]
    found = compare.summary(rows)
    return {
        "title": f"{method}, re-implemented" + (f", {epochs} epochs" if epochs else ""),
        **found,
        "ssim_mean": found["ssim_li_mean"],
        **facts,
        "genes": rows.to_dict("records"),
    }
