"""What methods of contexts are worth on real tissues: the table of docs/methods.md, from `evaluate --track context`.

    python -m benchmarks.context [--tissue lung-30 ...] [--method ridge ...] [--seeds 3] [--nulls] [--shift] [--out DIR]

One evaluation per tissue, seed and method, kept in DIR as JSON and not done again while it is there. Printed: the
median over genes of the correlation, the cell itself left out of the truth, both halves of the tissue averaged; mean
and standard deviation over seeds (each with a panel of its own), and the mean's share of the best simple comparator's.
Data: `../shared/data`, not part of the project.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from backend.errors import UserError
from backend.evaluation.context.evaluate import Request, evaluate
from backend.evaluation.context.files import Source
from backend.evaluation.context.learners import names
from backend.settings import PROJECT

DATA = PROJECT.parent / "shared" / "data"
OUT = PROJECT / "benchmarks" / "out" / "context"
PANEL = 300
SIMPLE = ("own-expression", "type-mean", "knn", "ridge", "mlp")


@dataclass(frozen=True)
class Tissue:
    tissue: str
    reference: str
    sigma_um: float


TISSUES: Mapping[str, Tissue] = MappingProxyType(
    {
        "lung-30": Tissue("st_human_NSCLC_CosMx960", "sc_human_lungNSCLC_Maynard3k", 30.0),
        "lung-50": Tissue("st_human_NSCLC_CosMx960", "sc_human_lungNSCLC_Maynard3k", 50.0),
        "lymph-100": Tissue("st_human_lymphnode_Visium_HE", "sc_human_lymphnode_ref330", 100.0),
    }
)
ABLATIONS: Mapping[str, tuple[str, dict[str, Any]]] = MappingProxyType(
    {
        "scxm-without-adversary": ("scxm", {"lambda_adv": 0.0}),
        "scxm-without-skip": ("scxm", {"decoder_skip": False}),
        "environs-linear-alone": ("environs", {"networks": 0}),
        "environs-without-linear": ("environs", {"linear": False}),
        "environs-without-masking": ("environs", {"masking": False}),
        "environs-without-wider": ("environs", {"wider": False}),
        "environs-without-own-scale": ("environs", {"own_scale": False}),
        "environs-with-platforms": ("environs", {"augmentation": 0.3}),
        "environs-with-critic": ("environs", {"lambda_adv": 0.1}),
        "environs-with-agreement": ("environs", {"lambda_agree": 1.0}),
    }
)
"""Name in the table -> method and the settings that differ."""


def found(tissue: str, method: str, seed: int, folder: Path, extras: Mapping[str, bool]) -> dict[str, Any]:
    """One method's part of an evaluation, from the folder or done now. A method that fails has an `error`."""
    place, kind = TISSUES[tissue], "".join(f"-{name}" for name, wanted in extras.items() if wanted)
    path = folder / f"{tissue}-{method}-{seed}{kind}.json"
    name, settings = ABLATIONS.get(method, (method, {}))
    if not path.exists():
        source = Source(DATA / f"{place.tissue}.h5ad", DATA / f"{place.reference}.h5ad")
        request = Request((name,), source, path, (place.sigma_um,), PANEL, seed, given={name: settings}, **extras)
        try:
            evaluate(request, lambda text: print(f"  {tissue}, seed {seed}: {text}", file=sys.stderr))
        except UserError as error:
            return {"error": error.to_dict()}
    return dict(json.loads(path.read_text())["methods"][name])


def table(results: Mapping[str, list[dict[str, Any]]], key: str = "median_pcc") -> list[str]:
    """A line per method: mean over seeds, deviation, and its share of the best simple comparator's mean."""
    values = {name: [_reach(run, key) for run in runs if "error" not in run] for name, runs in results.items()}
    means = {name: float(np.mean(part)) for name, part in values.items() if part}
    simple = max((means[name] for name in SIMPLE if name in means), default=float("nan"))
    return [
        f"{name:24s} {mean:6.3f} ± {np.std(values[name]):.3f}  {mean / simple:5.2f}   "
        + " ".join(f"{value:.3f}" for value in values[name])
        for name, mean in means.items()
    ] + [f"{name:24s} failed" for name in results if name not in means]


def _reach(run: Mapping[str, Any], key: str) -> float:
    for part in key.split("/"):
        run = run[part]
    return float(run)  # type: ignore[arg-type]


def main() -> None:
    every = (*SIMPLE, *(name for name in names() if name not in SIMPLE), *ABLATIONS)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tissue", nargs="*", choices=TISSUES, default=list(TISSUES))
    parser.add_argument("--method", nargs="*", choices=every, default=list(SIMPLE))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--nulls", action="store_true")
    parser.add_argument("--shift", action="store_true")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    if not DATA.is_dir():
        raise SystemExit(f"No data in {DATA}.")
    given.out.mkdir(parents=True, exist_ok=True)
    extras = {"nulls": given.nulls, "shift": given.shift}
    keys = ["median_pcc", "median_pcc_self_loop", "seconds", *(["shift/median_pcc"] if given.shift else [])]
    keys += ["nulls/cells/median_pcc", "nulls/genes/median_pcc"] if given.nulls else []
    for tissue in given.tissue:
        results = {
            name: [found(tissue, name, seed, given.out, extras) for seed in range(given.seeds)] for name in given.method
        }
        for key in keys:
            print(f"\n{tissue}, {PANEL} genes, {given.seeds} seeds: {key}", *table(results, key), sep="\n", flush=True)


if __name__ == "__main__":
    main()
