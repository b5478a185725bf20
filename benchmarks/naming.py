"""Transfer of cell types: how right, how sure, and what it makes of types that the reference lacks.

    python -m benchmarks.naming [--only simulated|real|large]

Compared on the same cells, genes and labels with a plain kNN and with CellTypist (an optional dependency). One table
per part, and JSON in benchmarks/out/naming.json. docs/benchmarks.md says what was measured.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import sklearn
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from backend.datasets.expression import log_normalise
from backend.datasets.naming.counterparts.calibration import calibration, macro_f1
from backend.datasets.naming.found import UNSURE
from backend.datasets.naming.transfer import SURE_FROM, transfer
from backend.datasets.simulated import TYPES, Sample, simulate
from backend.methods.contract import Cells
from benchmarks import naming_real
from benchmarks.neighbours import nearest_types

OUT = Path(__file__).resolve().parent / "out" / "naming.json"
NAMED = (
    ("Mast cell", "Plasma cell", "B cell"),
    ("Tumour", "Endothelial", "Macrophage"),
    ("Fibroblast", "CD8 T cell", "Pericyte"),
)
N_LARGE = 100_000

Names = NDArray[np.object_]
# (reference, its types, tissue, seed) -> the likeliest type of each cell, and the probability of that
Way = Callable[[Cells, Names, Cells, int], tuple[Names, NDArray[np.floating]]]


@dataclass(frozen=True)
class Score:
    """macro_f1: over the types present, cells of these types only, unsure counts as wrong. recall, precision: of
    "unsure" as the sign of a missing type. ece: over cells of present types; ece_all: over all cells, where a missing
    type's cell is always wrong. needless: share of cells of present types that are unsure."""

    way: str
    seed: int
    missing: tuple[str, ...]
    macro_f1: float
    recall: float
    precision: float
    ece: float
    ece_all: float
    needless: float
    seconds: float


def ours(reference: Cells, types: Names, tissue: Cells, seed: int) -> tuple[Names, NDArray[np.floating]]:
    found = transfer(reference, types, tissue, seed)
    return found.names[found.likeliest], found.probability


def celltypist(reference: Cells, types: Names, tissue: Cells, seed: int) -> tuple[Names, NDArray[np.floating]]:
    """A model trained on the reference as CellTypist's tutorial does (log1p of 10,000 per cell), over the shared
    genes."""
    import anndata
    import celltypist as typist
    import pandas as pd

    genes = pd.DataFrame(index=list(reference.genes))
    ref, query = (
        anndata.AnnData(log_normalise(part.expression, part.scale), var=genes) for part in (reference, tissue)
    )
    np.random.seed(seed)
    typist.logger.set_level(logging.ERROR)
    model = typist.train(ref, labels=types.astype(str), check_expression=False, n_jobs=2)
    share = typist.annotate(query, model=model).probability_matrix
    return share.columns.to_numpy(dtype=object)[share.to_numpy().argmax(axis=1)], share.to_numpy().max(axis=1)


WAYS: dict[str, Way] = {"transfer": ours, "kNN": nearest_types}
if tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 8):  # with a later one CellTypist 1.7.1 cannot train
    WAYS["CellTypist"] = celltypist


def simulated(seeds: tuple[int, ...] = (0, 1, 2, 3, 4, 5)) -> list[Score]:
    """Three named triples, one drawn for each seed, and nothing missing. Settings were chosen on seed 0 alone."""
    scores = []
    for seed in seeds:
        demo = simulate(seed)
        drawn = tuple(np.random.default_rng(seed).choice(TYPES, 3, replace=False).tolist())
        tissue = Cells(demo.tissue.counts, demo.tissue.genes, "counts")
        truth = demo.tissue.truth["type"].to_numpy(dtype=object)
        for missing in (*NAMED, drawn, ()):
            reference, types = _without(demo.reference, demo.tissue.genes, missing)
            for name, way in WAYS.items():
                began = time.perf_counter()
                likeliest, probability = way(reference, types, tissue, seed)
                seconds = time.perf_counter() - began
                scores.append(judge((name, seed, missing, seconds), truth, likeliest, probability.astype(float)))
                _show(scores[-1])
    return scores


def _without(sample: Sample, genes: tuple[str, ...], missing: tuple[str, ...]) -> tuple[Cells, Names]:
    place = {gene: i for i, gene in enumerate(sample.genes)}
    types = sample.truth["type"].to_numpy(dtype=object)
    kept = ~np.isin(types.astype(str), missing)
    counts = sample.counts[:, [place[gene] for gene in genes]]
    return Cells(csr_matrix(counts[kept]), genes, "counts"), types[kept]


def judge(
    said: tuple[str, int, tuple[str, ...], float], truth: Names, likeliest: Names, probability: NDArray[np.float64]
) -> Score:
    way, seed, missing, seconds = said
    present = ~np.isin(truth.astype(str), missing)
    types = np.where(probability >= SURE_FROM, likeliest, UNSURE)
    unsure, right = types == UNSURE, likeliest == truth
    return Score(
        way=way,
        seed=seed,
        missing=missing,
        macro_f1=macro_f1(truth[present].astype(str), types[present].astype(str)),
        recall=float(unsure[~present].mean()) if missing else float("nan"),
        precision=float((~present)[unsure].mean()) if missing and unsure.any() else float("nan"),
        ece=calibration(probability[present], right[present])[0],
        ece_all=calibration(probability, right)[0],
        needless=float(unsure[present].mean()),
        seconds=seconds,
    )


def large() -> dict[str, float]:
    """100,000 cells: the demo's tissue again and again, thinned each time anew so that no two cells are alike."""
    demo, rng = simulate(0), np.random.default_rng(0)
    counts = demo.tissue.counts
    parts = []
    for _ in range(-(-N_LARGE // counts.shape[0])):
        part = counts.copy()
        part.data = rng.binomial(part.data.astype(np.int64), 0.9).astype(np.float32)
        parts.append(part)
    tissue = Cells(csr_matrix(vstack(parts))[:N_LARGE], demo.tissue.genes, "counts")
    reference, types = _without(demo.reference, demo.tissue.genes, NAMED[0])
    taken = {}
    for name, way in WAYS.items():
        began = time.perf_counter()
        way(reference, types, tissue, 0)
        taken[name] = time.perf_counter() - began
        peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"{N_LARGE:,} cells, {name}: {taken[name]:.1f} s; peak so far {peak_gb:.2f} GB", flush=True)
    return taken


def _show(score: Score) -> None:
    missing = ", ".join(score.missing) or "nothing"
    numbers = (score.macro_f1, score.recall, score.precision, score.ece, score.ece_all, score.needless)
    print(f"{score.way:11s} {score.seed} {missing:40s} " + " ".join(f"{n:6.3f}" for n in numbers), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("simulated", "real", "large"))
    asked = parser.parse_args()
    parts: dict[str, Callable[[], object]] = {
        "simulated": lambda: [asdict(score) for score in simulated()],
        "real": lambda: naming_real.measure(WAYS),
        "large": large,
    }
    OUT.parent.mkdir(exist_ok=True)
    kept = json.loads(OUT.read_text()) if OUT.exists() else {}
    for name, part in parts.items():
        if asked.only in (None, name):
            kept[name] = part()
            OUT.write_text(json.dumps(kept, indent=1))
    print(OUT)


if __name__ == "__main__":
    main()
