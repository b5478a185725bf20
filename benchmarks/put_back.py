"""Cells put back in situ: how far off, against placement by type and at random; whether regions hold what they say.

    python -m benchmarks.put_back [--case demo patches ...] [--method scxm] [--preset "Quick look"] [--home FOLDER]

Each case goes the road of the pages: data are added, a run is trained, and the put-back job hides positions of cells
that the run's fits did not see. Two rules, the same for every way: *guess*, the place of smallest expected distance,
and *drawn*, a place drawn from the map; medians over the reported cells, in um. `demo` is the simulated tumour with its
validation section, `halves` the same without it, `patches` a simulated tissue whose kinds of places lie in one patch
each; the others are real files (`../shared/data`, not part of the project). On the demo two more lines say what could
be known at best: placement by the true niche and type, and how much of the reference cells' maps lies in the cell's
true niche.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backend import api
from backend.analysis.put_back.maps import Ground, best_guesses, cut_tiles, each_map, mean_map, regions
from backend.analysis.put_back.trial import Hidden, judge, plain_maps
from backend.datasets import simulated
from backend.datasets.demo import write_h5ad
from backend.records import Answers, JobState
from backend.settings import PROJECT
from backend.store import layout

OUT = Path(__file__).resolve().parent / "out" / "put_back.json"
FILES: dict[str, tuple[str, str, Answers]] = {
    "cosmx": ("st_human_NSCLC_CosMx960", "sc_human_lungNSCLC_Maynard3k", Answers()),
    "osmfish": (
        "st_mouse_cortex_osmFISH", "sc_mouse_CNS_Zeisel2018_TEINH_MGL_MOL",
        Answers(keep={"Valid": "1"}, unit="px", um_per_px=0.065),
    ),
    "lymph": ("st_human_lymphnode_Visium_HE", "sc_human_lymphnode_ref330", Answers(unit="px", um_per_px=100 / 137)),
}  # fmt: skip
CASES = ("demo", "halves", "patches", *FILES)
# Where each kind of place of `patches` has its middle, as shares of the side.
MIDDLES = {
    "Tumour nest": (0.25, 0.25),
    "Interface": (0.5, 0.5),
    "Stroma": (0.75, 0.25),
    "Immune aggregate": (0.25, 0.75),
    "Vessel": (0.75, 0.75),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--method", default="scxm")
    parser.add_argument("--preset", default="Quick look")
    parser.add_argument("--data", type=Path, default=PROJECT.parent / "shared" / "data")
    parser.add_argument("--home", help="keep the data and the runs here, and use what is there already")
    asked = parser.parse_args()
    found: dict[str, Any] = {"speed": speed()}
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["RESITU_HOME"] = asked.home or temporary
        for case in asked.case:
            study = make_study(case, asked.data)
            run = api.start_run(study, asked.method, api.preset(asked.method, asked.preset))
            finish(run.id)
            job = api.context.start_put_back(run.id).id
            found[case] = finish(job) | {"method": asked.method, "preset": asked.preset}
            show(case, found[case])
            if case == "demo":
                found[case] |= oracle(job, run.id)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(found, indent=1))
    print(f"\n{OUT}")


def make_study(case: str, data: Path) -> str:
    made = finish(api.make_demo().id)
    if case == "demo":
        return str(made["study"])
    name = f"Put back: {case}"
    known = [study.id for study in api.studies() if study.name == name]
    if known:
        return known[0]
    if case == "halves":
        return api.create_study(name, made["tissue"], made["reference"]).id
    if case == "patches":
        tissue, validation = add_patches()
        return api.create_study(name, tissue, made["reference"], validation).id
    files, answers = FILES[case][:2], FILES[case][2]
    tissue, reference = (
        finish(api.add_dataset([data / f"{file}.h5ad"], role, None, given, trusted=True).id)["dataset"]
        for file, role, given in zip(files, ("tissue", "reference"), (answers, Answers()))
    )
    study = api.create_study(name, tissue, reference)
    for job in study.types.values():
        if job != "column":
            finish(job)
    return study.id


def add_patches() -> tuple[str, str]:
    """A tissue and a validation section: the demo's kinds of places, each in one patch; all else as in the demo."""
    random = np.random.default_rng(0)
    genes, side = simulated.gene_names(), 850.0
    profile = simulated._profiles(np.random.default_rng(1), genes)
    panel = simulated._panel(np.random.default_rng(2), genes)
    middles = side * np.array([MIDDLES[name] for name in simulated.NICHES])
    shares = np.array([simulated.COMPOSITION[name] for name in simulated.NICHES])
    cumulative = np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1)
    added = []
    for role, depth, kept in (
        ("tissue", simulated.TISSUE_DEPTH, panel),
        ("validation", simulated.VALIDATION_DEPTH, None),
    ):
        xy = simulated._lattice(random, side)
        niche = np.linalg.norm(xy[:, None] - middles[None], axis=2).argmin(axis=1)
        types = (random.random((len(xy), 1)) > cumulative[niche]).sum(axis=1)
        section = simulated._Section("P", xy, niche, types, simulated.exposures(xy, niche, types))
        factors = np.exp(random.normal(0.0, simulated.BATCH_SPREAD, len(genes)))
        platform = simulated._Platform(factors, depth, keep=kept)
        sample = simulated._measure(random, [section], profile, genes, platform)
        said = Answers(unit="um", species="human", section_column="section", type_column="cell_type", spots=False)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"simulated_patches_{role}.h5ad"
            write_h5ad(sample, path, dissociated=False)
            added.append(finish(api.add_dataset([path], role, None, said, trusted=True).id)["dataset"])
    return added[0], added[1]


def oracle(job_id: str, run_id: str) -> dict[str, Any]:
    """What the demo's truth says: placement by the true niche and type of each hidden cell, and where maps of reference
    cells lie."""
    from backend.analysis.put_back.asked import open_ground
    from backend.analysis.put_back.job import read_tissue
    from backend.analysis.put_back.trial import locate
    from backend.records import DatasetRecord, RunRecord
    from backend.store import index
    from backend.store.arrays import read_columns

    truth, reference = (
        pd.read_parquet(layout.result_folder(api.make_demo().id) / f"truth_{name}.parquet")
        for name in ("validation", "reference")
    )
    run, folder = index.get(RunRecord, run_id), layout.result_folder(job_id)
    assert run.validation is not None
    tissue = read_tissue(run, index.get(DatasetRecord, run.validation), "column")
    opened = open_ground(folder, run.validation, "trial_places")
    rows = np.unique(api.context.put_back(job_id).cells["row"].to_numpy())
    hidden: Hidden = locate(tissue, opened.ground, rows)
    kinds = (truth["niche"].astype(str) + truth["type"].astype(str)).to_numpy(dtype=object)
    maps = plain_maps(kinds[rows], kinds[opened.rows], hidden.area, opened.ground)
    best = judge(maps, tissue, hidden, opened.ground, cut_tiles(opened.ground))[["guess_um", "drawn_um"]].median()
    whole = open_ground(folder, run.validation)
    cells, niche = read_columns(folder / "cells.zarr")[0], truth["niche"].to_numpy()[whole.rows]
    mine = reference["niche"].to_numpy()
    inside = np.concatenate(
        [(found * (niche[None] == mine[rows, None])).sum(axis=1) for rows, found in each_map(cells, whole.ground)]
    )
    types = truth["type"].to_numpy()[whole.rows]
    by_type = [np.mean(niche[types == kind] == own) for kind, own in zip(reference["type"], mine)]
    chance = [np.mean(niche == own) for own in mine]
    print(f"  true niche and type known     guess {best['guess_um']:6.0f}   drawn {best['drawn_um']:6.0f}")
    print(
        f"  reference cells, share of the map in the true niche: {inside.mean():.3f}; by type alone "
        f"{np.mean(by_type):.3f}; anywhere {np.mean(chance):.3f}"
    )
    return {"oracle": dict(best), "niche": [float(inside.mean()), float(np.mean(by_type)), float(np.mean(chance))]}


def speed() -> dict[str, float]:
    """1,000 cells on 100,000 places: the map, its regions and each cell's best guess."""
    random = np.random.default_rng(0)
    places = random.normal(size=(100_000, 8)).astype(np.float32)
    xy = random.uniform(0, 5_000, (100_000, 2))
    ground = Ground(places, np.zeros(100_000, np.float32), xy, np.zeros(100_000, np.intp))
    cells = random.normal(size=(1_000, 8)).astype(np.float32)
    begun = time.monotonic()
    regions(mean_map(cells, ground), (0.5, 0.8, 0.9))
    mapped = time.monotonic() - begun
    tiles = cut_tiles(ground)
    for _, found in each_map(cells, ground):
        best_guesses(found, tiles)
    whole = time.monotonic() - begun
    print(f"1,000 cells on 100,000 places: map and regions {mapped:.1f} s, with best guesses {whole:.1f} s")
    return {"map_s": mapped, "whole_s": whole}


def show(case: str, facts: dict[str, Any]) -> None:
    rival = next(row for row in facts["ways"] if row["way"] == facts["rival"])
    chosen = f"{facts['kind']}, sharpness {facts['sharpness']:g}, firmness {facts['firmness']:g}"
    print(f"\n{case}: {facts['reported']} of {facts['hidden']} hidden cells reported, {facts['places']:,} places")
    print(f"  used: {chosen}; {facts['seconds']} s")
    for row in facts["ways"]:
        print(
            f"  {row['way']:28s}  guess {row['guess_um']:6.0f} ({row['guess_um'] / rival['guess_um']:.2f})   "
            f"drawn {row['drawn_um']:6.0f} ({row['drawn_um'] / rival['drawn_um']:.2f})"
        )
    ends = facts["ratios"]["guess_um"]
    used = next(row for row in facts["ways"] if row["way"] == "used")
    print(f"  used / {facts['rival']}, guess: {ends['ratio']:.2f} [{ends['low']:.2f}, {ends['high']:.2f}]; used, "
          f"guess, against a random cell of the type: {used['guess_um'] / rival['drawn_um']:.2f}")  # fmt: skip
    for name in ("calibration", "groups"):
        told = ", ".join(f"{row['level']:.0%} hold {row['held']:.0%}" for row in facts[name])
        print(
            f"  {'single cells' if name == 'calibration' else 'groups of a type'}: {told} (n {facts[name][0]['cells']})"
        )
    print(f"  {facts['verdict']}", flush=True)


def finish(job_id: str) -> dict[str, Any]:
    done = api.wait(job_id)
    if done.state is not JobState.SUCCEEDED:
        raise SystemExit(f"{job_id} ended {done.state}: {done.error}")
    return done.result


if __name__ == "__main__":
    main()
