"""SCXM's held-out context scores on real pairs, beside the comparators: a table, and JSON next to it if asked.

    python -m benchmarks.scxm_context [--pair cosmx-maynard] [--seeds 1] [--set epochs=20 ...] [--json OUT]

Each half of the tissue along x is predicted by a fit on the other half and the reference, with a buffer of three sigma.
Median over panel genes of the Pearson correlation, truth without the cell itself, mean of both directions. The panel:
300 of the shared genes, drawn with a fixed seed. Data: `../shared/data`, not part of the project.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from scipy.sparse import csr_matrix

from backend.evaluation.context_track import make_task, measure, run_comparators, score_method
from backend.evaluation.splits import halves
from backend.methods.contract import Cells, PairedData
from backend.methods.scxm.config import ScxmConfig
from backend.settings import PROJECT, load

DATA = PROJECT.parent / "shared" / "data"
PANEL = 300


@dataclass(frozen=True)
class Pair:
    tissue: str
    reference: str
    um_per_unit: float
    scale: str
    sigma_um: float
    keep: str | None = None


PAIRS = {
    "cosmx-maynard": Pair("st_human_NSCLC_CosMx960", "sc_human_lungNSCLC_Maynard3k", 1000.0, "log", 30.0),
    "cosmx-sapiens": Pair("st_human_NSCLC_CosMx960", "sc_human_lung_TabulaSapiens1k", 1000.0, "counts", 30.0),
    "osmfish-zeisel": Pair(
        "st_mouse_cortex_osmFISH", "sc_mouse_CNS_Zeisel2018_TEINH_MGL_MOL", 0.065, "counts", 50.0, keep="Valid"
    ),
}


@dataclass
class Alone:
    """A run without a job."""

    seed: int
    folder: Path
    threads: int = field(default_factory=lambda: load().threads)
    device: str = field(default_factory=lambda: load().device)

    def report(self, step: int, steps: int, **metrics: float) -> None: ...
    def should_stop(self) -> bool:
        return False

    def checkpoint_due(self) -> bool:
        return False


def read(pair: Pair, sigma_um: float | None) -> tuple[PairedData, float]:
    import anndata

    tissue, reference = (anndata.read_h5ad(DATA / f"{name}.h5ad") for name in (pair.tissue, pair.reference))
    if pair.keep:
        tissue = tissue[np.asarray(tissue.obs[pair.keep]).astype(float) == 1].copy()
    for data in (tissue, reference):
        data.var_names_make_unique()
    shared = np.array(sorted(set(tissue.var_names) & set(reference.var_names)))
    panel = sorted(shared[np.random.default_rng(0).permutation(len(shared))[:PANEL]].tolist())
    inputs = tuple(shared.tolist())
    place = (np.asarray(tissue.obsm["spatial"]) * pair.um_per_unit).astype(np.float32)
    x, y = (csr_matrix(data[:, list(inputs)].X, dtype=np.float32) for data in (tissue, reference))
    cells = Cells(x, inputs, "counts", place, np.zeros(len(place), dtype=np.int32))
    return PairedData(cells, Cells(y, inputs, pair.scale), inputs, tuple(panel)), sigma_um or pair.sigma_um  # type: ignore[arg-type]


def score(data: PairedData, config: ScxmConfig, seeds: int) -> dict[str, list[float]]:
    """method -> one median per direction and, for SCXM, per seed."""
    from backend.methods.scxm.method import METHOD

    assert data.tissue.coordinates is not None
    sigma_um = config.resolved_sigma_um(data.spots)
    found: dict[str, list[float]] = {}
    for fold in halves(data.tissue.coordinates, data.tissue.section, sigma_um):
        train, test = data.tissue.of_rows(fold.train), data.tissue.of_rows(fold.test)
        truth = measure(test.of_genes(data.panel_genes), sigma_um)

        def add(name: str, values: Any, truth: Any = truth) -> None:
            scores = score_method(name, values, truth, data.panel_genes)
            found.setdefault(name, []).append(float(scores[~scores.self_loop].pcc.median()))

        for seed in range(seeds):
            with tempfile.TemporaryDirectory() as folder:
                run = Alone(seed, Path(folder))
                half = PairedData(train, data.reference, data.input_genes, data.panel_genes, data.spots)
                add("scxm", METHOD.fit(half, config, run).predict(test, run).values)
        for name, values in run_comparators(make_task(train, test, data.panel_genes, sigma_um, 0)):
            add(name, values)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pair", choices=PAIRS, default="cosmx-maynard")
    parser.add_argument("--sigma-um", type=float)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if not DATA.is_dir():
        raise SystemExit(f"No data in {DATA}.")
    data, sigma_um = read(PAIRS[given.pair], given.sigma_um)
    chosen = {key: yaml.safe_load(value) for key, value in (item.split("=", 1) for item in given.set)}
    begun = time.monotonic()
    found = score(data, ScxmConfig(**{"sigma_um": sigma_um, **chosen}), given.seeds)
    print(f"{given.pair}, sigma {sigma_um:g} um, {len(data.panel_genes)} panel genes, {time.monotonic() - begun:.0f} s")
    for name, values in found.items():
        print(f"{name:16s} {np.mean(values):.3f}   " + " ".join(f"{value:.3f}" for value in values))
    if given.json:
        given.json.write_text(json.dumps({"pair": given.pair, "sigma_um": sigma_um, "set": chosen, "medians": found}))


if __name__ == "__main__":
    main()
