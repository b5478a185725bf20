"""Files as an instrument and an atlas portal write them, of the simulated tissue, whose truth is known.

A slide with two tissues on it (2 mm apart), with control probes and with debris among the cells; an atlas with Ensembl
ids as rows, normalised values in `X`, counts in `.raw`, several donors, and one type missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, hstack, vstack

from backend.datasets.genes import ensembl_ids
from backend.datasets.simulated import Demo, simulate

DEBRIS = 150
PROBES = tuple(f"NegControlProbe_{number:05d}" for number in range(20))
APART_UM = 2000.0
MISSING = "Mast cell"


@dataclass(frozen=True)
class Truth:
    """cell: id -> the true type; debris is called so."""

    cell: dict[str, str]
    panel: tuple[str, ...]


@cache
def _demo() -> Demo:
    return simulate(seed=11)


def ensembl(genes: tuple[str, ...]) -> list[str]:
    """The Ensembl id of each symbol; one that has none keeps its symbol."""
    table = ensembl_ids("human")
    return [str(table.get(gene, gene)) for gene in genes]


def write_xenium(folder: Path) -> Truth:
    """`cell_feature_matrix.h5` and `cells.parquet`."""
    tissue, rng = _demo().tissue, np.random.default_rng(0)
    xy = tissue.coordinates_um.astype(np.float64).copy()
    xy[tissue.section == "B", 0] += APART_UM
    middle = xy[rng.choice(len(xy), DEBRIS)] + rng.normal(0, 4, (DEBRIS, 2))
    debris = csr_matrix(rng.poisson(0.02, (DEBRIS, tissue.counts.shape[1])).astype(np.float32))
    counts, xy = csr_matrix(vstack([tissue.counts, debris])), np.vstack([xy, middle])
    noise = csr_matrix(rng.poisson([0.001] * len(PROBES), (counts.shape[0], len(PROBES))).astype(np.float32))
    types = [*tissue.truth["type"], *["debris"] * DEBRIS]
    cells = [f"aaaa{number:04x}-1" for number in range(len(types))]
    folder.mkdir(parents=True, exist_ok=True)
    _write_matrix(folder / "cell_feature_matrix.h5", csr_matrix(hstack([counts, noise])), cells, tissue.genes)
    area = rng.lognormal(np.log(80.0), 0.25, len(cells))
    area[-DEBRIS:] = rng.uniform(3.0, 12.0, DEBRIS)
    table = pd.DataFrame(
        {
            "cell_id": cells,
            "x_centroid": xy[:, 0],
            "y_centroid": xy[:, 1],
            "transcript_counts": np.asarray(counts.sum(axis=1)).ravel().astype(int),
            "control_probe_counts": np.asarray(noise.sum(axis=1)).ravel().astype(int),
            "control_codeword_counts": 0,
            "unassigned_codeword_counts": 0,
            "deprecated_codeword_counts": 0,
            "total_counts": np.asarray(counts.sum(axis=1) + noise.sum(axis=1)).ravel().astype(int),
            "cell_area": area,
            "nucleus_area": area * 0.4,
        }
    )
    table.to_parquet(folder / "cells.parquet", index=False)
    return Truth(dict(zip(cells, types)), tissue.genes)


def _write_matrix(path: Path, values: csr_matrix, cells: list[str], genes: tuple[str, ...]) -> None:
    features = np.array([*genes, *PROBES], dtype="S")
    ids = np.array([*ensembl(genes), *PROBES], dtype="S")
    kinds = np.array(["Gene Expression"] * len(genes) + ["Negative Control Probe"] * len(PROBES), dtype="S")
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        group["barcodes"] = np.array(cells, dtype="S")
        group["data"], group["indices"] = values.data.astype(np.int32), values.indices.astype(np.int64)
        group["indptr"], group["shape"] = values.indptr.astype(np.int64), np.array(values.shape[::-1], dtype=np.int32)
        listed = group.create_group("features")
        listed["id"], listed["name"], listed["feature_type"] = ids, features, kinds
        listed["genome"] = np.array(["Unknown"] * len(ids), dtype="S")


def write_atlas(path: Path) -> None:
    """An `.h5ad` as an atlas portal gives it."""
    reference = _demo().reference
    kept = (reference.truth["type"] != MISSING).to_numpy()
    counts = csr_matrix(reference.counts[kept])
    scaled = csr_matrix(counts.multiply(1e4 / np.maximum(counts.sum(axis=1), 1))).log1p()
    var = pd.DataFrame({"feature_name": reference.genes, "feature_biotype": "gene"}, index=ensembl(reference.genes))
    number = np.arange(counts.shape[0])
    obs = pd.DataFrame(
        {
            "cell_type": reference.truth["type"].to_numpy()[kept],
            "tissue": "lung",
            "disease": np.where(number % 3 == 0, "normal", "lung adenocarcinoma"),
            "donor_id": np.array(["P1", "P2", "P3", "P4"])[number % 4],
            "assay": "10x 3' v3",
        },
        index=[f"CELL_{i}" for i in number],
    ).astype("category")
    raw = ad.AnnData(counts, obs=obs, var=var)
    atlas = ad.AnnData(scaled, obs=obs, var=var)
    atlas.raw = raw
    atlas.write_h5ad(path, compression="gzip")
