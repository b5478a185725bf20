"""How fast SpaGene learns, and what it scores on one gene fold (methods.md §8, Track Z, truth T1).

    python -m benchmarks.spagene_speed --tissue FILE --reference FILE [--fold 1] [--folds N] [--preset NAME ...]
        [--autoencoder-epochs 10 --epochs 8] [--cells 930] [--seed 0] [--threads 1]

Prints, for each preset, the seconds of a fit (wall, and cpu, which other programs do not stretch), the cpu seconds per
epoch of auto-encoders + translators, and the mean PCC over the genes of the fold. With
the epochs given, every preset is run for these, as the released code was (709 s for two folds of 10 + 8 epochs).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from backend.evaluation.genes.bench.files import open_files
from backend.evaluation.genes.folds import GeneFold, gene_folds
from backend.evaluation.genes.source import GenePair, cut_view
from backend.evaluation.genes.truth import at_input_depth
from backend.methods.spagene.config import SpageneConfig, card
from backend.methods.spagene.method import METHOD


class Watch:
    """A run that only takes the time of the two stages."""

    device = "cpu"

    def __init__(self, seed: int, threads: int, folder: Path) -> None:
        self.seed, self.threads, self.folder = seed, threads, folder
        self.began = self.translating = self.ended = time.process_time()

    def report(self, step: int, steps: int, **metrics: float) -> None:
        self.ended = time.process_time()
        if "cycle" not in metrics:
            self.translating = self.ended

    def should_stop(self) -> bool:
        return False

    def checkpoint_due(self) -> bool:
        return False


def measure(pair: GenePair, fold: GeneFold, config: SpageneConfig, seed: int, threads: int) -> tuple[str, float]:
    """One fit and one imputation: a line of the table, and the mean PCC."""
    seen = cut_view(pair, fold.inputs, fold.targets)
    began, began_cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        run = Watch(seed, threads, Path(folder))
        fitted = METHOD.fit(seen.view, config, run)
        values = fitted.impute(fold.targets, run).values
    wall, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    taught = (run.translating - run.began) / config.autoencoder_epochs
    translated = (run.ended - run.translating) / config.epochs
    pcc = mean_pcc(at_input_depth(pair.tissue, seen, fold.targets), values)
    size = f"{seen.view.tissue.n_cells} cells, {len(fold.inputs)} genes, {seen.view.reference.n_cells} of reference"
    epochs = f"{config.autoencoder_epochs}+{config.epochs} epochs"
    times = f"{wall:6.1f} s wall, {cpu:6.1f} s cpu, {taught:5.2f} + {translated:5.2f} s/epoch"
    return f"{times}  PCC {pcc:.4f}  ({epochs}; {size})", pcc


def mean_pcc(truth: np.ndarray, values: np.ndarray) -> float:
    """Mean over genes; a constant truth is left out, a constant prediction counts as 0."""
    truth, values = truth - truth.mean(axis=0), values - values.mean(axis=0)
    norms = np.sqrt((truth**2).sum(axis=0) * (values**2).sum(axis=0))
    pcc = np.divide((truth * values).sum(axis=0), norms, out=np.zeros(len(norms)), where=norms > 1e-12)
    return float(pcc[(truth**2).sum(axis=0) > 0].mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tissue", type=Path, required=True)
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--fold", type=int, default=1, help="the first of the five folds that is run")
    parser.add_argument("--folds", type=int, default=1, help="how many")
    parser.add_argument("--preset", nargs="+", default=["Standard"], help=", ".join(card.presets))
    parser.add_argument("--autoencoder-epochs", type=int)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--cells", type=int, help="the first cells of the tissue alone")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    files = open_files(asked.tissue, asked.reference, 4000, first=asked.cells)
    chosen = gene_folds(files.shared)[asked.fold - 1 : asked.fold - 1 + asked.folds]
    for preset in asked.preset:
        given = {"autoencoder_epochs": asked.autoencoder_epochs, "epochs": asked.epochs}
        changed = {name: value for name, value in given.items() if value is not None}
        config = SpageneConfig(**{**card.presets[preset], **changed})
        scores = []
        for fold in chosen:
            line, pcc = measure(files.open(fold.inputs).pair, fold, config, asked.seed, asked.threads)
            print(f"{preset:30s} {fold.name}  {line}", flush=True)
            scores.append(pcc)
        if len(scores) > 1:
            print(f"{preset:30s} mean of {len(scores)} folds  PCC {np.mean(scores):.4f}", flush=True)


if __name__ == "__main__":
    main()
