"""A small tissue and a reference whose genes follow the same four types, so that a hidden gene can be told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from backend.evaluation.genes.source import GenePair
from backend.methods.contract import Cells

SHARED = tuple(f"GENE{i:02d}" for i in range(30))
OFF_PANEL = tuple(f"ELSE{i:02d}" for i in range(10))
WIDTH_UM = 900.0


@dataclass(frozen=True)
class Counts:
    tissue: np.ndarray
    coordinates: np.ndarray
    reference: np.ndarray


def simulate(seed: int = 0, n_tissue: int = 240, n_reference: int = 160) -> Counts:
    """tissue: cells x shared genes, in four stripes of types along x. reference: cells x (shared, off-panel) genes."""
    rng = np.random.default_rng(seed)
    genes = len(SHARED) + len(OFF_PANEL)
    profile = np.exp(rng.normal(0.0, 1.0, (4, genes)))
    coordinates = rng.uniform(0, WIDTH_UM, (n_tissue, 2))
    own = (coordinates[:, 0] // (WIDTH_UM / 4)).astype(int)
    depth = rng.lognormal(0.0, 0.4, (n_tissue, 1))
    tissue = rng.poisson(1.5 * depth * profile[own][:, : len(SHARED)])
    tissue[:, 0] += 1  # no cell is without a count
    reference = rng.poisson(6 * profile[rng.integers(0, 4, n_reference)])
    return Counts(tissue.astype(np.float32), coordinates, reference.astype(np.float32))


def make_pair(seed: int = 0) -> GenePair:
    made = simulate(seed)
    tissue = Cells(
        csr_matrix(made.tissue),
        SHARED,
        "counts",
        made.coordinates.astype(np.float32),
        np.zeros(len(made.tissue), dtype=np.int32),
    )
    return GenePair(tissue, Cells(csr_matrix(made.reference), (*SHARED, *OFF_PANEL), "counts"))


def write_tissue(
    path: Path, values: np.ndarray, coordinates: np.ndarray, genes: tuple[str, ...] = SHARED, **obs: np.ndarray
) -> Path:
    index = [f"cell{i}" for i in range(len(values))]
    data = anndata.AnnData(csr_matrix(values), obs=pd.DataFrame(obs, index=index), var=pd.DataFrame(index=list(genes)))
    data.obsm["spatial"] = coordinates
    data.write_h5ad(path)
    return path


def write_reference(path: Path, values: np.ndarray, genes: tuple[str, ...] = (*SHARED, *OFF_PANEL)) -> Path:
    data = anndata.AnnData(csr_matrix(values), var=pd.DataFrame(index=list(genes)))
    data.write_h5ad(path)
    return path


def write_pair(folder: Path, seed: int = 0) -> tuple[Path, Path]:
    made = simulate(seed)
    return (
        write_tissue(folder / "tissue.h5ad", made.tissue, made.coordinates),
        write_reference(folder / "reference.h5ad", made.reference),
    )
