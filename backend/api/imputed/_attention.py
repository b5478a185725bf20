"""Where predictions were read from: weights of tissue cells over groups of reference cells (centroids)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from backend.analysis.imputation.attention import entropy, top2_gap
from backend.api._runs import run
from backend.api.imputed._scores import result
from backend.store import matrix
from backend.store.arrays import read_columns

SHUFFLES = 20


def attention(run_id: str) -> pd.DataFrame | None:
    """One row per tissue cell: entropy (nats; at most log K), top2_gap (the largest weight minus the second), dominant
    (the centroid with the largest weight, 0 to K-1; -1: none). None: the run's method does not attend."""
    weights = _weights(run_id)
    if weights is None:
        return None
    known = np.asarray(np.isfinite(weights).all(axis=1))
    safe = np.where(known.reshape(-1, 1), weights, 0.0)
    table = pd.DataFrame({"entropy": entropy(safe), "top2_gap": top2_gap(safe), "dominant": safe.argmax(axis=1)})
    table.loc[~known, ["entropy", "top2_gap"]] = np.nan
    table.loc[~known, "dominant"] = -1
    return table


def attention_of_cell(run_id: str, row: int) -> pd.DataFrame:
    """The bars of one tissue cell: centroid, weight, the largest first. Empty for a method that does not attend."""
    weights = _weights(run_id)
    if weights is None:
        return pd.DataFrame({"centroid": [], "weight": []})
    table = pd.DataFrame({"centroid": np.arange(weights.shape[1]), "weight": weights[row]})
    return table.sort_values("weight", ascending=False, ignore_index=True)


def attention_by(run_id: str, labels: ArrayLike, seed: int = 0) -> pd.DataFrame:
    """Mean weights of groups of tissue cells (types, niches): group, centroid, weight, shuffled (the mean with the
    labels permuted), shuffled_sd. Empty for a method that does not attend."""
    weights, names = _weights(run_id), np.asarray(labels, dtype=str)
    if weights is None:
        return pd.DataFrame({"group": [], "centroid": [], "weight": [], "shuffled": [], "shuffled_sd": []})
    known = np.isfinite(weights).all(axis=1)
    weights, names = weights[known], names[known]
    rng = np.random.default_rng(seed)
    groups, codes = np.unique(names, return_inverse=True)
    true = _means(weights, codes, len(groups))
    chance = np.stack([_means(weights, rng.permutation(codes), len(groups)) for _ in range(SHUFFLES)])
    group, centroid = np.indices(true.shape)
    return pd.DataFrame(
        {
            "group": groups[group.ravel()],
            "centroid": centroid.ravel(),
            "weight": true.ravel(),
            "shuffled": chance.mean(axis=0).ravel(),
            "shuffled_sd": chance.std(axis=0).ravel(),
        }
    )


def _means(weights: NDArray[np.float32], codes: NDArray[np.intp], count: int) -> NDArray[np.float64]:
    total = np.zeros((count, weights.shape[1]))
    np.add.at(total, codes, weights)
    return total / np.bincount(codes, minlength=count)[:, None]


def centroids(run_id: str) -> pd.DataFrame | None:
    """One row per reference cell: centroid, umap_1, umap_2 (NaN where the reference has no map), type ("" where it
    names none). None: the run's method does not attend. A centroid lies at the mean of its cells."""
    path = result(run_id) / "attention_members.parquet"
    if not path.exists():
        return None
    reference = run(run_id).reference
    table = matrix.obs(reference, ["umap_1", "umap_2", "type"]).reset_index(drop=True)
    table["centroid"] = pd.read_parquet(path)["centroid"].to_numpy()
    types = table["type"].astype(str) if "type" in table else ""
    return table.assign(type=types).reindex(columns=["centroid", "umap_1", "umap_2", "type"])


def _weights(run_id: str) -> NDArray[np.float32] | None:
    folder: Path = result(run_id) / f"attention_{run(run_id).tissue}.zarr"
    return read_columns(folder)[0] if folder.exists() else None
