"""*Unmeasured gene* on real pairs: every method on the same hidden genes. A table, and JSON beside it.

    python -m benchmarks.imputation [--pairs cosmx-maynard,osmfish-zeisel] [--methods best,spage,knn] [--data DIR]
        [--folds 0,1] [--seed 0] [--set METHOD.KEY=VALUE] [--epochs N] [--out FILE]

Five folds of the sorted shared genes, truth T1, each method in a process of its own (as `python -m backend evaluate`).
Without --methods: all that are offered and can run here. stplus and stdiff, re-implemented in benchmarks/published, run
when they are named; --epochs shortens their training, and the table says so.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from backend.evaluation.genes.bench.evaluate import ALIASES, Request, evaluate, imputers
from backend.evaluation.genes.bench.report import plain
from backend.evaluation.genes.compare import every_pair
from backend.records import Answers
from benchmarks.published.scored import PUBLISHED, score_published

DATA = Path(__file__).resolve().parents[2] / "shared/data"
OUT = Path(__file__).resolve().parent / "out" / "imputation.json"
MODULES = {"tangram": "tangram", "gimvi": "scvi"}
MEANS = ("pcc_mean", "pcc_depth_partial_mean", "srcc_mean", "ssim_mean", "seconds", "peak_mb")


@dataclass(frozen=True)
class Pair:
    """cells: only the tissue's first. counts: of the reference."""

    tissue: str
    reference: str
    answers: Answers = field(default_factory=Answers)
    cells: int | None = None
    counts: bool = True


COSMX, ZEISEL = "st_human_NSCLC_CosMx960", "sc_mouse_CNS_Zeisel2018_TEINH_MGL_MOL"
PAIRS = {
    "cosmx-maynard": Pair(COSMX, "sc_human_lungNSCLC_Maynard3k", counts=False),
    "cosmx-tabula": Pair(COSMX, "sc_human_lung_TabulaSapiens1k"),
    "osmfish-zeisel": Pair("st_mouse_cortex_osmFISH", ZEISEL, Answers(keep={"Valid": "1"}, unit="px", um_per_px=0.065)),
    "xenium-copykat": Pair("st_human_breast_Xenium380_scider", "sc_human_breastTNBC_copykat", cells=4000),
}


def main() -> None:
    asked = _arguments()
    if not asked.data.exists():
        raise SystemExit(f"The real files are not in {asked.data}; name their folder with --data.")
    found = {name: measure(name, PAIRS[name], asked) for name in asked.pairs}
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps(plain(found), indent=1))
    print(asked.out)


def measure(name: str, pair: Pair, asked: argparse.Namespace) -> dict[str, Any]:
    """The document of `evaluate`, with the published methods among the others."""
    methods, left_out = choose(asked.methods, pair)
    for sentence in left_out:
        print(sentence, flush=True)
    tissue, reference = (asked.data / f"{file}.h5ad" for file in (pair.tissue, pair.reference))
    with tempfile.TemporaryDirectory() as folder:
        request = Request(
            tuple(method for method in methods if method not in PUBLISHED),
            tissue,
            reference,
            Path(folder) / "found.json",
            only=asked.folds,
            seed=asked.seed,
            cells=pair.cells,
            answers=pair.answers,
            given=asked.given,
        )
        found = evaluate(request, lambda text: print(f"  {name}: {text}", flush=True)) if request.methods else {}
    found.setdefault("methods", {})
    for method in methods:
        if method in PUBLISHED:
            found["methods"][method] = score_published(request, method, asked.epochs)
    found["comparisons"] = compared(found["methods"])
    found["left_out"] = left_out
    show(name, found)
    return found


def choose(asked: Sequence[str], pair: Pair) -> tuple[list[str], list[str]]:
    """(methods to run on this pair, a sentence for each that was left out). Empty `asked`: all that are offered."""
    offered = [name for name, card in imputers().items() if "unmeasured-gene" in card.tracks]
    offered = [name for name in offered if name not in {real for alias, real in ALIASES.items() if alias in offered}]
    unknown = sorted(set(asked) - set(imputers()) - set(PUBLISHED))
    if unknown:
        raise SystemExit(f"There is no method {', '.join(unknown)}; there are {', '.join([*imputers(), *PUBLISHED])}.")
    methods, left_out = [], []
    for name in asked or offered:
        module = MODULES.get(name)
        if module and importlib.util.find_spec(module) is None:
            left_out.append(f"{name} is left out: requirements-extra.txt is not installed.")
        elif name not in PUBLISHED and imputers()[name].needs_counts and not pair.counts:
            left_out.append(f"{name} is left out: it needs counts, and {pair.reference} has none.")
        else:
            methods.append(name)
    return methods, left_out


def compared(methods: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every two methods, gene by gene: paired Wilcoxon on both co-primary scores, Benjamini-Hochberg within each."""
    tables = [pd.DataFrame(found["genes"]).assign(method=name) for name, found in methods.items() if found["genes"]]
    if len(tables) < 2:
        return []
    scores, names = pd.concat(tables, ignore_index=True), [str(table["method"].iloc[0]) for table in tables]
    return [row for score in ("pcc", "pcc_depth_partial") for row in every_pair(scores, names, score)]


def show(name: str, found: Mapping[str, Any]) -> None:
    methods = found["methods"]
    print(f"\n{name}: {found.get('shared_genes', '')} shared genes, seed {found.get('seed', '')}")
    heads = "".join(f"{head:>9s}" for head in ("PCC", "partial", "SRCC", "SSIM", "s", "MB"))
    print(f"{'method':14s}{heads}  worse than (PCC, q < .05)")
    for method in sorted(methods, key=lambda one: -(methods[one]["pcc_mean"] or -9)):
        row = methods[method]
        if row.get("error"):
            print(f"{method:14s} {row['error']['what']}")
            continue
        beaten = [
            one["better"]
            for one in found["comparisons"]
            if one["score"] == "pcc"
            and method in (one["method"], one["other"])
            and one["better"] not in (method, "neither")
        ]
        numbers = [row[mean] if row[mean] is not None else float("nan") for mean in MEANS]
        print("{:14s}{:9.4f}{:9.4f}{:9.4f}{:9.4f}{:9.1f}{:9.0f}".format(method, *numbers), "", ", ".join(beaten))
    print(flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=_names, default=tuple(PAIRS))
    parser.add_argument("--methods", type=_names, default=())
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--folds", type=lambda text: tuple(map(int, _names(text))), default=())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", dest="given", action="append", default=[], metavar="METHOD.KEY=VALUE")
    parser.add_argument("--epochs", type=int, default=0, help="of stplus and stdiff; 0: as published")
    parser.add_argument("--out", type=Path, default=OUT)
    asked = parser.parse_args()
    if unknown := sorted(set(asked.pairs) - set(PAIRS)):
        parser.error(f"no pair {', '.join(unknown)}; there are {', '.join(PAIRS)}")
    given: dict[str, dict[str, Any]] = {}
    for text in asked.given:
        place, _, value = text.partition("=")
        method, _, key = place.partition(".")
        given.setdefault(method, {})[key] = json.loads(value)
    asked.given = given
    return asked


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


if __name__ == "__main__":
    main()
