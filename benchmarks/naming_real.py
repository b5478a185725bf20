"""Transfer of cell types on real tissues: osmFISH from an incomplete reference, CosMx lung from two atlases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.datasets.expression import log_normalise
from backend.datasets.naming.counterparts.calibration import mean_shares
from backend.datasets.naming.found import UNSURE
from backend.datasets.naming.transfer import SURE_FROM
from backend.methods.contract import Cells

DATA = Path(__file__).resolve().parents[2] / "shared/data"
# The reference's types, and what osmFISH's authors call their cells of it.
CLASSES = {
    "TEINH": ("Inhibitory CP", "Inhibitory Cnr1", "Inhibitory Crhbp", "Inhibitory IC", "Inhibitory Kcnip2",
              "Inhibitory Pthlh", "Inhibitory Vip"),
    "MGL1": ("Microglia",),
    "MOL1": ("Oligodendrocyte Mature",),
}  # fmt: skip
# Of the same lineage, younger: calling them mature is wrong, but less so.
YOUNGER = ("Oligodendrocyte MF", "Oligodendrocyte NF", "Oligodendrocyte COP")
ATLASES = {"Maynard": "sc_human_lungNSCLC_Maynard3k", "Tabula Sapiens": "sc_human_lung_TabulaSapiens1k"}
FEWEST_CELLS, MARKERS = 10, 10

Names = NDArray[np.object_]
Ways = Mapping[str, Callable[[Cells, Names, Cells, int], tuple[Names, NDArray[np.floating]]]]


def measure(ways: Ways) -> dict[str, object]:
    """Empty where the files are absent."""
    if not DATA.exists():
        print(f"No real data in {DATA}: left out.")
        return {}
    return {"osmFISH": osmfish(ways)} | {f"CosMx from {atlas}": cosmx(atlas, ways) for atlas in ATLASES}


def osmfish(ways: Ways) -> dict[str, object]:
    """Per class precision and recall against the authors' labels; which share of all other cells is unsure."""
    tissue, labels = _read("st_mouse_cortex_osmFISH", "counts", "cell_type", lambda obs: obs["Valid"] == 1)
    reference, types = _read("sc_mouse_CNS_Zeisel2018_TEINH_MGL_MOL", "counts", "cell_type")
    tissue, reference = _shared(tissue, reference)
    print(f"osmFISH from Zeisel: {tissue.n_cells:,} cells, {len(tissue.genes)} genes")
    rows: dict[str, object] = {}
    for way, name in ways.items():
        found = _named(*name(reference, types, tissue, 0))
        other = ~np.isin(labels.astype(str), [label for group in CLASSES.values() for label in group])
        row: dict[str, object] = {"others_unsure": float(np.mean(found[other] == UNSURE))}
        for type_, members in CLASSES.items():
            truth, called = np.isin(labels.astype(str), members), found == type_
            row[type_] = {
                "precision": _share(truth[called]),
                "recall": _share(called[truth]),
                "called": int(called.sum()),
            }
        row["MOL1 or younger"] = _share(np.isin(labels[found == "MOL1"].astype(str), (*CLASSES["MOL1"], *YOUNGER)))
        print(f"{way:11s} {row}", flush=True)
        rows[way] = row
    return rows


def cosmx(atlas: str, ways: Ways) -> dict[str, object]:
    """No truth: the share of unsure cells, and how well the named cells' markers agree with their names."""
    tissue, _ = _read("st_human_NSCLC_CosMx960", "counts", None)
    reference, types = _read(ATLASES[atlas], "log" if atlas == "Maynard" else "counts", "cell_type")
    tissue, reference = _shared(tissue, reference)
    print(f"CosMx lung from {atlas}: {tissue.n_cells:,} cells, {len(tissue.genes)} genes")
    rows: dict[str, object] = {}
    for way, name in ways.items():
        found = _named(*name(reference, types, tissue, 0))
        coherent = coherence(reference, types, tissue, found)
        row = {
            "unsure": float(np.mean(found == UNSURE)),
            "median_coherence": float(np.median(list(coherent.values()))),
            "types": coherent,
        }
        print(f"{way:11s} {row}", flush=True)
        rows[way] = row
    return rows


def coherence(reference: Cells, types: Names, tissue: Cells, found: Names) -> dict[str, float]:
    """By type of ten named cells or more: the AUROC, between cells of that name and all others, of the mean of the
    ten genes that set it apart in the reference most (its share times the log ratio to the next type's). .5 is
    chance. Names were found from the same genes, so that it is no proof; but names given at random have none."""
    from sklearn.metrics import roc_auc_score

    names, code = np.unique(types.astype(str), return_inverse=True)
    logged = log_normalise(tissue.expression, tissue.scale)
    plain = reference.expression.expm1() if reference.scale == "log" else reference.expression
    shares = mean_shares(csr_matrix(plain), code, len(names)) + 1e-4
    coherent = {}
    for t, name in enumerate(names):
        called = found == name
        if called.sum() >= FEWEST_CELLS:
            more = shares[t] * np.log(shares[t] / np.delete(shares, t, axis=0).max(axis=0))
            level = np.asarray(logged[:, np.argsort(-more)[:MARKERS]].mean(axis=1)).ravel()
            coherent[str(name)] = round(float(roc_auc_score(called, level)), 3)
    return coherent


def _named(likeliest: Names, probability: NDArray[np.floating]) -> Names:
    return np.where(probability >= SURE_FROM, likeliest, UNSURE)


def _share(right: NDArray[np.bool_]) -> float:
    return float(right.mean()) if len(right) else float("nan")


def _read(name: str, scale: str, column: str | None, keep: Callable | None = None) -> tuple[Cells, Names]:  # type: ignore[type-arg]
    import anndata

    file = anndata.read_h5ad(DATA / f"{name}.h5ad")
    file = file[:, ~file.var_names.duplicated()]
    if keep is not None:
        file = file[keep(file.obs)]
    labels = file.obs[column].astype(str).to_numpy(dtype=object) if column else np.zeros(file.n_obs, dtype=object)
    return Cells(csr_matrix(file.X, dtype=np.float32), tuple(file.var_names), scale), labels  # type: ignore[arg-type]


def _shared(*parts: Cells) -> list[Cells]:
    genes = tuple(sorted(set(parts[0].genes) & set(parts[1].genes)))
    cut = []
    for part in parts:
        place = {gene: i for i, gene in enumerate(part.genes)}
        cut.append(Cells(csr_matrix(part.expression[:, [place[gene] for gene in genes]]), genes, part.scale))
    return cut
