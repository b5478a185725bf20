"""The picture docs/images/cosmx-markers.png: markers of an atlas's types, as measured in CosMx cells that were given
these types by transfer.

    python -m benchmarks.naming_dots [FOLDER WITH THE FILES]
    python -m benchmarks.naming_dots demo

The second names the simulated tissue by marker lists that are found in its atlas, and counts the right names.

The markers are found in the atlas alone and drawn on the tissue's own counts: a type whose cells show its markers and
no other's was transferred to the right cells.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy.sparse import csr_matrix

from backend import api
from backend.datasets.expression import log_normalise
from backend.datasets.naming.marker_lists import marker_dots
from backend.figures import export
from backend.figures.prepare.dots import dot_plot
from backend.figures.style import caption
from backend.store import matrix

TISSUE, ATLAS = "st_human_NSCLC_CosMx960", "sc_human_lungNSCLC_Maynard3k"
OUT = Path(__file__).parents[1] / "docs" / "images" / "cosmx-markers.png"
MARKERS = 3  # of a type
LISTED = 8  # of a type, in the demo
FEWEST_CELLS = 15  # of a type in the tissue, to be drawn


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as home:
        os.environ["RESITU_HOME"] = home
        ids = [
            str(api.wait(api.add_dataset([folder / f"{name}.h5ad"], role, name, trusted=True).id).result["dataset"])
            for name, role in ((TISSUE, "tissue"), (ATLAS, "reference"))
        ]
        study = api.create_study("Lung", *ids)
        api.wait(study.types[ids[0]])
        found = api.cell_types(study.id, ids[0])
        draw(ids, found.table["type"].astype(str).to_numpy(dtype=object), found.source)


def draw(ids: list[str], types: np.ndarray, source: str) -> None:
    values, genes = matrix.load_csr(ids[0])
    known = set(genes)
    sizes = pd.Series(types).value_counts()
    rows = [str(name) for name, cells in sizes.items() if cells >= FEWEST_CELLS and name != api.UNSURE]
    markers = {name: own for name, own in top_markers(ids[1], known).items() if name in rows}
    order = sorted(markers)
    logged = log_normalise(csr_matrix(values), "counts")
    shown = np.isin(types, order)
    dots = marker_dots(logged[np.flatnonzero(shown)], genes, {name: markers[name] for name in order}, types[shown])
    named = {name: f"{name} ({sizes[name]:,})" for name in order}
    drawn = dots.assign(cluster=dots["cluster"].map(named))
    figure = dot_plot(drawn, list(named.values()), "Markers of the atlas in CosMx cells")
    told = (
        f"{int(shown.sum()):,} of {len(types):,} CosMx lung cells, by transferred type (predicted); types of at least "
        f"{FEWEST_CELLS} cells. The {MARKERS} best markers of each type in {ATLAS} that are on the panel; expression "
        f"as measured. The transfer read these genes too, so part of the pattern is its own doing. {source}"
    )
    save(export.image_bytes(caption(figure, told), "png", width_px=1100, scale=1.3))
    print(dots.pivot_table(index="cluster", columns="type", values="mean").idxmax(axis=1).to_string())


def save(png: bytes) -> None:
    """With 255 colours: half the size, and no eye sees it."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.quantize(255, method=Image.Quantize.MAXCOVERAGE, kmeans=3).save(OUT, optimize=True)
    print(f"{OUT}: {OUT.stat().st_size / 1000:.0f} kB")


def demo() -> None:
    """How often marker lists of the simulated atlas name cells of the simulated tissue rightly."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["RESITU_HOME"] = home
        study = api.study(str(api.wait(api.make_demo().id).result["study"]))
        truth = api.dataset_obs(study.tissue, ["type"])["type"].astype(str).to_numpy()
        lists = top_markers(study.reference, set(api.dataset_genes(study.tissue).index), LISTED)
        for told, resolution in ((lists, 0.5), (lists, 1.0), (lists, 2.0), (dict(list(lists.items())[::2]), 1.0)):
            text = "\n".join(f"{name}: {', '.join(genes)}" for name, genes in told.items())
            job = api.wait(api.name_by_markers(study.id, study.tissue, text, resolution).id)
            api.use_naming(study.id, job.id)
            names = api.cell_types(study.id, study.tissue).table["type"].astype(str).to_numpy()
            listed = np.isin(truth, list(told))
            said = f"{np.mean((names == truth)[listed]):.3f} right"
            if not listed.all():
                said += f", {np.mean(names[~listed] == api.UNSURE):.3f} of the others unsure"
            print(f"{len(told)} lists, resolution {resolution:g}: {said}")


def top_markers(atlas: str, known: set[str], most: int = MARKERS) -> dict[str, tuple[str, ...]]:
    """Type -> the genes on the panel with the largest difference of mean log expression between the type and the type
    that has most of it among the others."""
    record = api.dataset(atlas)
    values, genes = matrix.load_csr(atlas)
    logged = values if record.scale == "log" else log_normalise(values, record.scale)
    types = matrix.obs(atlas, ["type"])["type"].astype(str).to_numpy()
    here = [column for column, gene in enumerate(genes) if gene in known]
    names = sorted(set(types) - {"other", "unknown"})
    means = np.vstack([np.asarray(logged[types == name][:, here].mean(axis=0)).ravel() for name in names])
    found = {}
    for place, name in enumerate(names):
        ahead = means[place] - np.delete(means, place, axis=0).max(axis=0)
        best = np.argsort(-ahead, kind="stable")[:most]
        found[name] = tuple(genes[here[column]] for column in best if ahead[column] > 0)
    return {name: own for name, own in found.items() if own}


if __name__ == "__main__":
    if sys.argv[1:] == ["demo"]:
        demo()
    else:
        main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data"))
