"""From scores to maps: the probability of each place for each cell, in portions of bounded memory.

A map is a softmax over places of `cells @ places.T + offset`, all of a few columns, so 1,000 cells on 100,000 places
take about a second. Nothing here knows where the numbers come from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
PORTION = 20_000_000  # numbers in memory at once
TILES = 2_000  # squares that the best guess is sought among


@dataclass(frozen=True)
class Ground:
    """Where cells can be put. places: n x pairs; offset: n; xy_um: n x 2; area: n integers, places of one area lie on
    one plane and distances within it mean something."""

    places: Floats
    offset: Floats
    xy_um: NDArray[np.float64]
    area: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.places)


def each_map(cells: Floats, ground: Ground, allowed: NDArray[np.intp] | None = None) -> Iterator[tuple[slice, Floats]]:
    """(rows, their maps), m x n, each row summing to one. allowed: the area each cell is put in; None: anywhere."""
    step = max(1, PORTION // max(1, len(ground)))
    for start in range(0, len(cells), step):
        rows = slice(start, min(start + step, len(cells)))
        score = cells[rows] @ ground.places.T + ground.offset
        if allowed is not None:
            score[allowed[rows, None] != ground.area[None]] = -np.inf
        yield rows, softmax(score)


def softmax(score: Floats) -> Floats:
    """Over the columns, in place."""
    score -= score.max(axis=1, keepdims=True)
    np.exp(score, out=score)
    score /= score.sum(axis=1, keepdims=True)
    return score


def mean_map(cells: Floats, ground: Ground) -> Floats:
    """The map of a group: the mean of its cells' maps, n numbers that sum to one."""
    total = np.zeros(len(ground), dtype=np.float64)
    for _, found in each_map(cells, ground):
        total += found.sum(axis=0, dtype=np.float64)
    return np.asarray(total / len(cells), dtype=np.float32)


def share_inside(cells: Floats, ground: Ground, inside: NDArray[np.bool_]) -> Floats:
    """For each cell the probability that it came from the places inside."""
    share = np.empty(len(cells), dtype=np.float32)
    for rows, found in each_map(cells, ground):
        share[rows] = found[:, inside].sum(axis=1)
    return share


def regions(density: Floats, masses: tuple[float, ...]) -> NDArray[np.int8]:
    """Per place the number of the smallest region that holds it: the most probable places that together hold each of
    `masses` (rising). 0: the first; len(masses): none."""
    order = np.argsort(-density, kind="stable")
    before = np.empty(len(density))
    before[order] = np.cumsum(density[order], dtype=np.float64) - density[order]
    return np.searchsorted(np.asarray(masses), before, side="right").astype(np.int8)


@dataclass(frozen=True)
class Tiles:
    """Squares of the ground. of_place: n; middle_um: m x 2, the mean of a square's places; area: m."""

    of_place: NDArray[np.intp]
    middle_um: NDArray[np.float64]
    area: NDArray[np.intp]


def cut_tiles(ground: Ground) -> Tiles:
    """About `TILES` squares that hold places, so that a best guess costs the same on every tissue."""
    extent = sum(float(np.ptp(ground.xy_um[ground.area == a], axis=0).prod()) for a in np.unique(ground.area))
    side = max(np.sqrt(max(extent, 1.0) / TILES), 1e-6)
    square = np.floor(ground.xy_um / side).astype(np.int64)
    keys, of_place = np.unique(np.column_stack([ground.area, square]), axis=0, return_inverse=True)
    of_place = of_place.ravel()
    count = np.bincount(of_place)
    middle = np.column_stack([np.bincount(of_place, ground.xy_um[:, axis]) / count for axis in (0, 1)])
    return Tiles(of_place.astype(np.intp), middle, keys[:, 0].astype(np.intp))


def best_guesses(found: Floats, tiles: Tiles) -> NDArray[np.intp]:
    """Per map (m x n) the tile from which the expected distance is smallest. Another area counts as far."""
    from scipy.sparse import csr_matrix

    n = len(tiles.of_place)
    gather = csr_matrix((np.ones(n, dtype=np.float32), (np.arange(n), tiles.of_place)), shape=(n, len(tiles.area)))
    mass = np.asarray(found @ gather)
    apart = np.linalg.norm(tiles.middle_um[:, None] - tiles.middle_um[None], axis=2).astype(np.float32)
    apart[tiles.area[:, None] != tiles.area[None]] = 2 * float(apart.max(initial=1.0))
    return np.asarray((mass @ apart).argmin(axis=1))
