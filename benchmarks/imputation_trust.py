"""Can the intervals and the predicted scores of imputed genes be believed? On pairs of real files.

    python -m benchmarks.imputation_trust [--method spage] [--pair PAIR ...] [--data FOLDER] [--seed 0]

Per pair: coverage of the 90 % intervals (over all cells, those that show a gene, those that do not, and by detection),
each with its 95 % bootstrap over genes; the Spearman correlation of predicted with true scores over genes; how many
genes earn which verdict. Writes benchmarks/out/imputation_trust-METHOD.json.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from backend.analysis.imputation.attention import entropy
from backend.evaluation.genes.bench.files import open_files
from backend.evaluation.genes.folds import gene_folds
from backend.evaluation.genes.levels import levels_of
from backend.evaluation.genes.regions import rotation_of
from backend.evaluation.genes.source import GenePair, cut_view
from backend.evaluation.genes.tracks import Trial, check_imputed, make_trial, score_trial, trial_levels
from backend.evaluation.imputed.fits import Scored
from backend.evaluation.imputed.held_out import put_together
from backend.evaluation.imputed.trust import Trust, weigh
from backend.methods import registry
from backend.methods.imputation import Imputer
from backend.records import Answers
from backend.settings import PROJECT
from backend.store.layout import write_json

OUT = Path(__file__).resolve().parent / "out"
MAX_MB = 4000
PAIRS: dict[str, tuple[str, str, int | None]] = {
    "CosMx960 + Maynard": ("st_human_NSCLC_CosMx960.h5ad", "sc_human_lungNSCLC_Maynard3k.h5ad", None),
    "CosMx960 + Tabula Sapiens": ("st_human_NSCLC_CosMx960.h5ad", "sc_human_lung_TabulaSapiens1k.h5ad", None),
    "osmFISH + Zeisel": ("st_mouse_cortex_osmFISH.h5ad", "sc_mouse_CNS_Zeisel2018_TEINH_MGL_MOL.h5ad", None),
    "Xenium380 + copykat": ("st_human_breast_Xenium380_scider.h5ad", "sc_human_breastTNBC_copykat.h5ad", 4000),
}


@dataclass
class Alone:
    """A `RunContext` without a job."""

    seed: int
    folder: Path
    device: str = "cpu"
    threads: int = 1
    started: float = field(default_factory=time.monotonic)

    def report(self, step: int, steps: int, **metrics: float) -> None:
        pass

    def should_stop(self) -> bool:
        return False

    def checkpoint_due(self) -> bool:
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", default="spage")
    parser.add_argument("--pair", nargs="*", default=list(PAIRS), choices=list(PAIRS))
    parser.add_argument("--data", type=Path, default=PROJECT.parent / "shared" / "data")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    found = {}
    for name in asked.pair:
        tissue, reference, first = PAIRS[name]
        files = open_files(asked.data / tissue, asked.data / reference, MAX_MB, Answers(unit="um"), first)
        pair = files.open(files.shared).pair
        started = time.monotonic()
        found[name] = told(run(pair, asked.method, asked.seed)) | {"seconds": round(time.monotonic() - started)}
        show(name, asked.method, found[name])
    OUT.mkdir(exist_ok=True)
    write_json(OUT / f"imputation_trust-{asked.method}.json", {"method": asked.method, "pairs": found})


def run(pair: GenePair, method: str, seed: int) -> Trust:
    """What the job does, without a job and without the genes off the panel."""
    imputer = cast(Imputer, registry.method(method))
    trials: list[Trial] = []
    scored: list[Scored] = []
    for number, fold in enumerate(gene_folds(pair.shared)):
        trial = make_trial("unmeasured-gene", pair, number, fold)
        context = Alone(seed, OUT / "fits" / f"{method}-{number}")
        context.folder.mkdir(parents=True, exist_ok=True)
        fitted = imputer.fit(trial.view, imputer.card.config(), context)
        imputed = fitted.impute(fold.targets, context)
        check_imputed(imputed, trial, method)
        attended = fitted.attention()
        scores = score_trial(trial, imputed, trial_levels(trial)).assign(method=method, fold=fold.name)
        unsure = None if attended is None else entropy(attended.weights)
        trials.append(trial)
        scored.append(Scored(imputed.values, imputed.units, scores, unsure, imputed.doubt, 0.0))
    held = put_together(pair, method, trials, scored, groups(pair), seed)
    assert pair.tissue.coordinates is not None
    return weigh(held, None, rotation_of(pair.tissue.coordinates, pair.tissue.section), seed)


def groups(pair: GenePair) -> np.ndarray:
    """A group of similar expression for every cell of the tissue."""
    seen = cut_view(pair, pair.shared, ())
    level = next(level for level in levels_of(seen.view.tissue) if level.name == "type")
    assert level.mean is not None
    names = np.full(pair.tissue.n_cells, "", dtype=object)
    names[seen.rows] = level.mean.tocsc().indices.astype(str)
    return names.astype(str)


def told(trust: Trust) -> dict[str, Any]:
    predicted = trust.predicted
    return {
        "genes": len(trust.genes),
        "pcc_mean": float(trust.genes["score"].mean()),
        "coverage": trust.coverage,
        "predicted_score": {
            "spearman": predicted.spearman,
            "low": predicted.spearman_low,
            "high": predicted.spearman_high,
        },
        "verdicts": {str(name): int(count) for name, count in trust.genes["verdict"].value_counts().items()},
    }


def show(pair: str, method: str, found: dict[str, Any]) -> None:
    print(f"\n{pair}, {method}: {found['genes']} genes, mean r {found['pcc_mean']:.3f}, {found['seconds']} s")
    for row in found["coverage"]:
        if row["coverage"] is not None:
            ends = f"{row['coverage']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
            print(
                f"  {row['cells']:<11} cells, {row['tercile']:<6} detection: {ends}, interval score {row['score']:.2f}"
            )
    said = found["predicted_score"]
    if said["spearman"] is not None:
        print(f"  predicted score: Spearman {said['spearman']:.2f} [{said['low']:.2f}, {said['high']:.2f}]")
    print(f"  verdicts: {found['verdicts']}", flush=True)


if __name__ == "__main__":
    main()
