"""CASPER in its published task, *measured gene, unseen region* (methods.md §8, Track S): a table, both splits.

    python -m benchmarks.casper_region --tissue FILE --reference FILE [--unit px --um-per-px 0.065] [--keep Valid=1]
        [--folds 5] [--method casper knn ...] [--split casper-seed42 blocks] [--seed 0]

CASPER, its controls (centroids of zeros, shuffled centroids) and the released settings; kNN, ridge; and quorum's own
answer to this task. Mean PCC per gene over the test cells, with T1 (log1p at the depth of the input genes) and T3
(log1p at 10,000 counts, as published); seconds are of all folds together, wall and cpu. Everybody's settings are
chosen on training cells.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backend.evaluation.genes.bench.files import PairFiles, open_files
from backend.evaluation.genes.folds import gene_folds
from backend.evaluation.genes.tracks import Plan, Trial, make_trial
from backend.evaluation.genes.truth import truth_of
from backend.methods import registry
from backend.methods.contract import Floats
from backend.methods.quorum.region import impute_region
from backend.records import Answers

SPLITS = ("casper-seed42", "blocks")


@dataclass
class Alone:
    """A run without a job."""

    seed: int
    folder: Path
    threads: int = 1
    device: str = "cpu"

    def report(self, step: int, steps: int, **metrics: float) -> None: ...
    def should_stop(self) -> bool:
        return False

    def checkpoint_due(self) -> bool:
        return False


def fitting(name: str, **settings: Any) -> Callable[[Trial, Alone], Floats]:
    def answer(trial: Trial, run: Alone) -> Floats:
        method: Any = registry.method(name)
        fitted = method.fit(trial.view, registry.config_from(name, settings), run)
        values: Floats = fitted.impute(trial.fold.targets, run).values
        return values

    return answer


METHODS: dict[str, Callable[[Trial, Alone], Floats]] = {
    "casper": fitting("casper"),
    "casper-zero": fitting("casper", centroids="zero"),
    "casper-shuffled": fitting("casper", centroids="shuffled"),
    "casper-released": fitting("casper", **registry.card("casper").presets["As released"]),
    "knn": fitting("knn"),
    "ridge": fitting("ridge"),
    "quorum-region": lambda trial, run: impute_region(trial.view, run).values,
}


def trials(files: PairFiles, split: str, folds: int) -> Iterator[tuple[Trial, list[tuple[str, Floats]]]]:
    """Each fold, and what it is compared with, over the scored cells."""
    for number, fold in enumerate(gene_folds(files.shared)[:folds]):
        pair = files.open(fold.inputs).pair
        trial = make_trial("unseen-region", pair, number, fold, Plan(split=split))  # type: ignore[arg-type]
        truths = [(name, truth_of(name, pair, trial.seen, fold.targets).values) for name in ("T1", "T3")]  # type: ignore[arg-type]
        yield trial, truths


def pcc(truth: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Per gene: NaN where the truth is constant, 0 where the prediction is."""
    truth, values = truth - truth.mean(axis=0), values.astype(np.float64) - values.mean(axis=0, dtype=np.float64)
    norms = np.sqrt((truth**2).sum(axis=0) * (values**2).sum(axis=0))
    found = np.divide((truth * values).sum(axis=0), norms, out=np.zeros(len(norms)), where=norms > 1e-9)
    found[(truth**2).sum(axis=0) < 1e-9] = np.nan
    return found


def measure(files: PairFiles, split: str, names: list[str], folds: int, seed: int) -> None:
    scores: dict[str, dict[str, list[np.ndarray]]] = {name: {"T1": [], "T3": []} for name in names}
    times = {name: np.zeros(2) for name in names}
    for trial, truths in trials(files, split, folds):
        for name in names:
            began = np.array([time.perf_counter(), time.process_time()])
            with tempfile.TemporaryDirectory() as folder:
                values = METHODS[name](trial, Alone(seed, Path(folder)))
            times[name] += np.array([time.perf_counter(), time.process_time()]) - began
            for truth, true in truths:
                scores[name][truth].append(pcc(true[trial.rows], values[trial.rows]))
    print(f"\n{split}: {len(trial.rows)} test cells in the last fold; border {trial.border}")
    for name in names:
        means = "  ".join(f"{truth} {np.nanmean(np.concatenate(found)):.4f}" for truth, found in scores[name].items())
        print(f"{name:18s} {means}  {times[name][0]:7.1f} s wall {times[name][1]:7.1f} s cpu", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tissue", type=Path, required=True)
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--unit", choices=("um", "mm", "px"))
    parser.add_argument("--um-per-px", type=float)
    parser.add_argument("--keep", nargs="*", default=[], help="only cells whose column has this value: Valid=1")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--method", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--split", nargs="+", default=list(SPLITS), choices=SPLITS)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    keep = dict(part.split("=", 1) for part in asked.keep)
    answers = Answers(unit=asked.unit, um_per_px=asked.um_per_px, keep=keep)
    files = open_files(asked.tissue, asked.reference, 4000, answers)
    for split in asked.split:
        measure(files, split, asked.method, asked.folds, asked.seed)


if __name__ == "__main__":
    main()
