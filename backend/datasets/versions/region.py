"""A compact part of a tissue for first answers: neighbourhoods whole, and as many kinds of cells as can be.

Cells drawn at random would not do: each would lose most of its neighbours.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.records import Area

_CANDIDATES = 81  # windows looked at, per section
_LOOKED_AT = 5_000  # cells of a window
_SPARSE = 0.5  # what twice the usual ground costs, in coverage


def best_window(obs: pd.DataFrame, n_cells: int, types: NDArray[np.object_] | None = None) -> Area:
    """The square around about `n_cells` cells of one section that holds most kinds of cells on least empty ground.

    obs: x_um, y_um, section, and counts, genes where types are unknown. Deterministic. A section that holds fewer
    cells is taken whole.
    """
    section = np.asarray(obs["section"].astype(str), dtype=object) if "section" in obs else np.full(len(obs), "")
    groups = _groups(obs, types)
    xy = obs[["x_um", "y_um"]].to_numpy(dtype=np.float64)
    names, sizes = np.unique(section.astype(str), return_counts=True)
    fits = [name for name, size in zip(names, sizes) if size >= n_cells] or [names[np.argmax(sizes)]]
    expected = np.bincount(groups) / len(groups)
    found = [(name, *_windows(xy[section == name], groups[section == name], n_cells, expected)) for name in fits]
    usual = float(np.median(np.concatenate([side for _, _, side, _ in found])))
    best, corners, where = -np.inf, np.zeros((2, 2)), ""
    for name, middle, side, coverage in found:
        score = coverage - _SPARSE * np.maximum(np.square(side / max(usual, 1e-9)) - 1, 0)
        place = int(np.argmax(score))
        if score[place] > best:
            best, where = float(score[place]), str(name)
            corners = np.stack([middle[place] - side[place], middle[place] + side[place]])
    (x0, y0), (x1, y1) = corners.tolist()
    return Area(name="region", section=where, corners=((x0, y0), (x1, y0), (x1, y1), (x0, y1)))


def _windows(
    xy: NDArray[np.float64], groups: NDArray[np.int64], n_cells: int, expected: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Per candidate: middle, half side, and coverage in [0, 1]: over the groups, the mean share of what a fair sample
    of this size would hold of it (at most 1)."""
    from scipy.spatial import cKDTree

    k = min(n_cells, len(xy))
    if k == len(xy):
        low, high = xy.min(axis=0), xy.max(axis=0)
        half = float((high - low).max()) / 2 * 1.001 + 0.01
        return ((low + high) / 2)[None], np.array([half]), np.array([_coverage(groups, expected)])
    step = max(1, k // _LOOKED_AT)  # of a large window, every second or third cell shows the same
    tree, kinds, k = cKDTree(xy[::step]), groups[::step], k // step
    middles = _middles(xy)
    sides, coverage = np.empty(len(middles)), np.empty(len(middles))
    for place, middle in enumerate(middles):
        distance, rows = tree.query(middle, k=k, p=np.inf)  # squares: the k cells of the smallest one
        sides[place] = distance[-1] * (1 + 1e-6) + 1e-3
        coverage[place] = _coverage(kinds[rows], expected)
    return middles, sides, coverage


def _middles(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places of cells, one per bin of a grid, all over the section."""
    low, high = xy.min(axis=0), xy.max(axis=0)
    steps = int(np.sqrt(_CANDIDATES))
    bins = np.minimum(((xy - low) / np.maximum(high - low, 1e-9) * steps).astype(int), steps - 1)
    number = bins[:, 0] * steps + bins[:, 1]
    middles = []
    for one in np.unique(number):
        members = xy[number == one]
        middles.append(members[np.argmin(np.abs(members - members.mean(axis=0)).max(axis=1))])
    return np.array(middles)


def _coverage(groups: NDArray[np.int64], expected: NDArray[np.float64]) -> float:
    here = np.bincount(groups, minlength=len(expected)) / len(groups)
    present = expected > 0
    return float(np.minimum(here[present] / expected[present], 1.0).mean())


def _groups(obs: pd.DataFrame, types: NDArray[np.object_] | None) -> NDArray[np.int64]:
    """A number per cell: its type where types are known, else its third by depth and by genes seen per count."""
    if types is not None:
        return np.unique(np.asarray(types).astype(str), return_inverse=True)[1].astype(np.int64)
    counts = obs["counts"].to_numpy(dtype=np.float64)
    variety = obs["genes"].to_numpy(dtype=np.float64) / np.maximum(counts, 1.0)
    return 3 * _thirds(counts) + _thirds(variety)


def _thirds(values: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.searchsorted(np.quantile(values, [1 / 3, 2 / 3]), values).astype(np.int64)
