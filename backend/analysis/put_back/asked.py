"""Questions to a finished put-back: where would these cells have stood, and which cells would have stood here?

All is answered from the small arrays that the job left, in portions: 1,000 cells on 100,000 places take seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.analysis.put_back.maps import (
    Floats,
    Ground,
    best_guesses,
    cut_tiles,
    each_map,
    mean_map,
    regions,
    share_inside,
)
from backend.errors import UserError
from backend.store import matrix
from backend.store.arrays import read_columns

MOST_CELLS = 1_000  # put back at once; of more, a random part
FEWEST_INSIDE = 10  # hidden cells in a region, for it to be tested


@dataclass(frozen=True)
class Opened:
    """A ground over the cells of a tissue. rows: which of its `n` cells are places."""

    ground: Ground
    rows: NDArray[np.intp]
    n: int


@dataclass(frozen=True)
class Placement:
    """times: per tissue cell how much more probable its place is than if the cells were spread evenly (NaN: no place).
    region: 0, 1, 2 in the smallest region that holds 50, 80, 90 %; 3 outside; -1 no place. guesses: per cell placed its
    row among the reference's cells and its best guess (x_um, y_um, section). asked: how many cells were asked for."""

    times: Floats
    region: NDArray[np.int8]
    guesses: pd.DataFrame
    asked: int


@dataclass(frozen=True)
class Origins:
    """share: per reference cell the probability that it came from the region; chance: the region's share of all places.
    held_out: whether hidden tissue cells from the region are told from others (auroc, inside, outside), or None."""

    share: Floats
    chance: float
    inside: NDArray[np.bool_]
    held_out: dict[str, Any] | None


def open_ground(folder: Path, dataset_id: str, name: str = "places") -> Opened:
    values = read_columns(folder / f"{name}.zarr")[0]
    obs = matrix.obs(dataset_id, ["x_um", "y_um", "section"])
    rows = np.flatnonzero(np.isfinite(values[:, -1]))
    section = np.unique(obs["section"].astype(str).to_numpy(), return_inverse=True)[1]
    xy = obs[["x_um", "y_um"]].to_numpy(dtype=np.float64)[rows]
    ground = Ground(values[rows, :-1], values[rows, -1], xy, section[rows].astype(np.intp))
    return Opened(ground, rows, len(values))


def place_cells(folder: Path, dataset_id: str, rows: NDArray[np.intp], facts: dict[str, Any]) -> Placement:
    """rows: of the reference. One cell's regions are those that were calibrated on single hidden cells; a group's, the
    most probable places of its mean map."""
    if not len(rows):
        raise UserError("No cells are chosen.", mend="Draw around some, or choose a type.")
    asked = len(rows)
    if asked > MOST_CELLS:
        rows = np.sort(np.random.default_rng(0).choice(rows, MOST_CELLS, replace=False))
    opened = open_ground(folder, dataset_id)
    cells = read_columns(folder / "cells.zarr")[0][rows]
    density = mean_map(cells, opened.ground)
    masses = tuple(facts["masses"] if len(rows) == 1 else facts["levels"])
    times, region = np.full(opened.n, np.nan, dtype=np.float32), np.full(opened.n, -1, dtype=np.int8)
    times[opened.rows] = density * len(density)
    region[opened.rows] = regions(density, masses)
    return Placement(times, region, guess(cells, rows, opened, dataset_id), asked)


def guess(cells: Floats, rows: NDArray[np.intp], opened: Opened, dataset_id: str) -> pd.DataFrame:
    """row, x_um, y_um, section of each cell's best guess: the square of smallest expected distance."""
    tiles = cut_tiles(opened.ground)
    best = np.concatenate([best_guesses(found, tiles) for _, found in each_map(cells, opened.ground)])
    sections = np.unique(matrix.obs(dataset_id, ["section"])["section"].astype(str))
    x, y = tiles.middle_um[best].T
    return pd.DataFrame({"row": rows, "x_um": x, "y_um": y, "section": sections[tiles.area[best]]})


def find_origins(folder: Path, dataset_id: str, inside: NDArray[np.bool_]) -> Origins:
    """inside: per tissue cell whether the region holds it."""
    opened = open_ground(folder, dataset_id)
    here = inside[opened.rows]
    if not here.any() or here.all():
        raise UserError(
            "The region holds no place." if not here.any() else "The region holds every place.",
            mend="Draw around some cells of the tissue, and leave some out.",
        )
    share = share_inside(read_columns(folder / "cells.zarr")[0], opened.ground, here)
    return Origins(share, float(here.mean()), inside, _held_out(folder, dataset_id, inside))


def _held_out(folder: Path, dataset_id: str, inside: NDArray[np.bool_]) -> dict[str, Any] | None:
    """Tissue cells whose positions were hidden: do those from the region get more of their probability there?"""
    hidden, names = read_columns(folder / "trial_cells.zarr")
    rows = hidden[:, names.index("row")].astype(np.intp)
    truth = inside[rows]
    if min(int(truth.sum()), int((~truth).sum())) < FEWEST_INSIDE:
        return None
    opened = open_ground(folder, dataset_id, "trial_places")
    here = inside[opened.rows]
    if not here.any():
        return None
    found = share_inside(hidden[:, :-1], opened.ground, here)
    return {"auroc": _auroc(found, truth), "inside": int(truth.sum()), "outside": int((~truth).sum())}


def _auroc(values: Floats, truth: NDArray[np.bool_]) -> float:
    from scipy.stats import rankdata

    ranks, positives = rankdata(values), int(truth.sum())
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * (len(truth) - positives)))
