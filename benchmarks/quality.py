"""Quality control of 100,000 cells: what a slider waits for, and how long a version takes.

    python -m benchmarks.quality

The demo's cells laid side by side, with areas and control probes made up. One table, and JSON in
benchmarks/out/quality.json.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from backend import api
from backend.datasets.simulated import simulate
from backend.datasets.versions.sampled import sampled
from backend.datasets.versions.suggest import suggest
from backend.figures import maps
from backend.figures.points import Places
from backend.figures.prepare.quality import KEPT, cut_histogram, reason_colours
from backend.records import Answers, Area, Cut, Recipe
from benchmarks.measured import Row, do_job, median_s

OUT = Path(__file__).resolve().parent / "out" / "quality.json"
N_CELLS = 100_000
TIMES = 15
GOAL_S = 0.3
GAP_UM = 300.0
MOST_DRAWN = 20_000  # as the page


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RESITU_HOME"] = folder
        rows = measure(Path(folder))
    width = max(len(row.what) for row in rows)
    for row in rows:
        print(f"{row.what:<{width}}  {row.value:9.3f} {row.unit:<3} {row.verdict:<6} {row.note}")
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps([asdict(row) for row in rows], indent=1))


def measure(folder: Path) -> list[Row]:
    path = folder / "large.h5ad"
    write(path)
    answers = Answers(unit="um", species="human", type_column="cell_type", section_column="section", spots=False)
    added = do_job(lambda: api.add_dataset([path], "tissue", answers=answers, trusted=True))
    large = str(added.status.result["dataset"])
    rows = [added.row(f"{N_CELLS:,} cells added, with measures"), *_answers(large)]
    suggested = tuple(one.cut for one in api.suggested_cuts(large) if one.cut)
    made = do_job(lambda: api.start_version(large, Recipe(cuts=suggested)))
    rows.append(made.row(f"Version with {made.status.result['cells']:,} cells"))
    divided = do_job(lambda: api.start_version(large, Recipe(gap_um=GAP_UM / 2)))
    sections = len(api.dataset(str(divided.status.result["dataset"])).sections)
    rows.append(divided.row(f"Version cut at gaps into {sections} sections"))
    return rows


def _answers(large: str) -> list[Row]:
    """What the pages ask for while one looks at them."""
    table, obs = api.measures(large), api.dataset_obs(large)
    levels = iter(np.linspace(5, 60, 10 * TIMES).round(2))  # another cut at each move
    gaps = iter(np.linspace(GAP_UM / 3, GAP_UM / 2, 5))  # answers are remembered
    types = obs["type"].astype(str).to_numpy()

    def kept() -> api.Kept:
        cuts = (Cut(measure="counts", least=next(levels)), Cut(measure="control_share", most=0.1))
        return api.count_kept(large, Recipe(cuts=cuts, where={"cell_type_2": ("a", "b")}))

    def figures() -> None:
        found = kept()
        for name in table:
            cut_histogram(table[name], (10, None), name, skewed=not name.endswith("share"))
        names = np.array([KEPT, *found.rules], dtype=object)[found.reason + 1]
        rng = np.random.default_rng(0)
        parts = (np.flatnonzero(found.mask), np.flatnonzero(~found.mask))
        rows = np.concatenate([rng.permutation(part)[:MOST_DRAWN] for part in parts])
        places = Places(obs["x_um"].iloc[rows], obs["y_um"].iloc[rows], found.section[rows])
        maps.map_types(places, names[rows], reason_colours(found.rules), "kept").to_json()
        found.by(types)

    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    middle = obs[["x_um", "y_um"]].median().to_numpy()
    ring = tuple((float(x), float(y)) for x, y in middle + 1500 * np.column_stack([np.cos(angles), np.sin(angles)]))
    area = Area(name="ring", section=str(obs["section"].iloc[0]), corners=ring)
    told = f"median of {TIMES}"
    return [
        Row("A slider: cells kept, by count_kept", median_s(kept, TIMES), "s", GOAL_S, told),
        Row("A slider: the same with histograms, map and table", median_s(figures, TIMES), "s", None, told),
        Row("Suggested cut-offs", median_s(lambda: suggest(api.dataset(large)), 5), "s"),
        Row("A lasso of 200 corners", median_s(lambda: api.count_kept(large, Recipe(areas=(area,))), 5), "s"),
        Row("Pieces by gaps", median_s(lambda: api.suggested_sections(large, next(gaps)), 5), "s"),
        Row("A region of 5,000 cells", median_s(lambda: api.suggested_region(large, 5_000), 3), "s"),
        Row("Is it a sample?", median_s(lambda: sampled(api.dataset(large)), 3), "s"),
    ]


def write(path: Path) -> None:
    """The demo's tissue in tiles with gaps between, all on one slide, with what an instrument says of each cell."""
    import anndata

    tissue = simulate(0).tissue
    copies = -(-N_CELLS // len(tissue.coordinates_um))
    rows = np.tile(np.arange(len(tissue.coordinates_um)), copies)[:N_CELLS]
    tile = np.repeat(np.arange(copies), len(tissue.coordinates_um))[:N_CELLS]
    extent = np.ptp(tissue.coordinates_um, axis=0) + GAP_UM
    places = tissue.coordinates_um[rows] + np.column_stack([tile % 5, tile // 5]) * extent
    rng = np.random.default_rng(0)
    obs = pd.DataFrame(
        {
            "cell_type": tissue.truth["type"].to_numpy()[rows],
            "cell_type_2": rng.choice(list("abc"), N_CELLS),
            "section": tissue.section[rows],
            "area_um2": rng.lognormal(4.5, 0.4, N_CELLS),
            "control_probe_counts": rng.poisson(0.4, N_CELLS),
        },
        index=[f"cell-{i}" for i in range(N_CELLS)],
    )
    counts = csr_matrix(tissue.counts)[rows]
    data = anndata.AnnData(counts, obs=obs, var=pd.DataFrame(index=list(tissue.genes)))
    data.obsm["spatial"] = places
    data.write_h5ad(path)


if __name__ == "__main__":
    main()
