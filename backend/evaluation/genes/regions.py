"""Which cells are held out where genes were measured elsewhere (methods.md §8, Track S).

`casper_seed42` is the published split, cells at random: neighbours of a test cell are trained on. `blocks` cuts each
section into five by five tiles and leaves a border around the held-out ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from backend.errors import UserError
from backend.methods.contract import Floats

Split = Literal["blocks", "casper-seed42"]
SIDE = 5  # tiles along each axis, and rotations
BUFFER_UM = 100.0
RING = 6  # neighbours of a cell that make up one ring around it
FEWEST_CELLS = 20
_LEAST_LEFT = 0.5  # of the cells that are not held out must stay, or the border is one ring only


@dataclass(frozen=True)
class Region:
    """Rows of the tissue, sorted. border: how far training cells keep from the test cells, in words."""

    name: str
    train: NDArray[np.intp]
    test: NDArray[np.intp]
    border: str


def casper_seed42(n_cells: int) -> Region:
    """The split of CASPER's index files (methods.md, trap 3): of RandomState(42).permutation(N), the first fifth."""
    order = np.random.RandomState(42).permutation(n_cells)
    held = int(np.ceil(0.2 * n_cells))
    return _checked(Region("casper-seed42", np.sort(order[held:]), np.sort(order[:held]), "none: cells at random"))


def blocks(coordinates_um: Floats, section: NDArray[np.int32] | None = None) -> tuple[Region, ...]:
    """Five rotations, each holding out one tile of every row and column of each section: every cell is tested once."""
    held = rotation_of(coordinates_um, section)
    return tuple(_rotation(coordinates_um, section, held, number) for number in range(SIDE))


def rotation_of(coordinates_um: Floats, section: NDArray[np.int32] | None = None) -> NDArray[np.int64]:
    """For each cell the rotation that tests it: (column + 2 row) modulo 5."""
    tile = tiles(coordinates_um, section) % SIDE**2
    return (tile // SIDE + 2 * (tile % SIDE)) % SIDE


def tiles(coordinates_um: Floats, section: NDArray[np.int32] | None = None) -> NDArray[np.int64]:
    """Contiguous tiles with equally many cells: five strips along x, each cut into five along y; 25 per section."""
    places = np.asarray(coordinates_um, dtype=np.float64)
    groups = np.zeros(len(places), dtype=np.int64) if section is None else np.unique(section, return_inverse=True)[1]
    found = np.zeros(len(places), dtype=np.int64)
    for label in np.unique(groups):
        members = np.flatnonzero(groups == label)
        column = _strips(places[members, 0])
        row = np.zeros(len(members), dtype=np.int64)
        for strip in range(SIDE):
            row[column == strip] = _strips(places[members[column == strip], 1])
        found[members] = SIDE**2 * label + SIDE * column + row
    return found


def _strips(values: NDArray[np.float64]) -> NDArray[np.int64]:
    rank = np.empty(len(values), dtype=np.int64)
    rank[np.argsort(values, kind="stable")] = np.arange(len(values))
    return rank * SIDE // max(1, len(values))


def _rotation(
    coordinates_um: Floats, section: NDArray[np.int32] | None, held: NDArray[np.int64], number: int
) -> Region:
    test, rest = np.flatnonzero(held == number), np.flatnonzero(held != number)
    near = _nearest_test_um(coordinates_um, section, test, rest)
    far = rest[near >= BUFFER_UM]
    name = f"blocks-{number + 1}"
    if len(far) >= _LEAST_LEFT * len(rest):
        return _checked(Region(name, far, test, f"{BUFFER_UM:.0f} µm"))
    ring = _ring(coordinates_um, section, test)
    left = np.setdiff1d(rest, ring)
    return _checked(Region(name, left, test, f"one ring of neighbours ({BUFFER_UM:.0f} µm would leave too few cells)"))


def _nearest_test_um(
    coordinates_um: Floats, section: NDArray[np.int32] | None, test: NDArray[np.intp], rest: NDArray[np.intp]
) -> NDArray[np.float64]:
    labels = np.zeros(len(coordinates_um), dtype=np.int64) if section is None else section
    found = np.full(len(rest), np.inf)
    for label in np.unique(labels[test]):
        own, others = test[labels[test] == label], labels[rest] == label
        found[others] = cKDTree(coordinates_um[own]).query(coordinates_um[rest[others]])[0]
    return found


def _ring(coordinates_um: Floats, section: NDArray[np.int32] | None, test: NDArray[np.intp]) -> NDArray[np.intp]:
    """Test cells and the six nearest neighbours of each."""
    labels = np.zeros(len(coordinates_um), dtype=np.int64) if section is None else section
    found = [test]
    for label in np.unique(labels[test]):
        members = np.flatnonzero(labels == label)
        _, near = cKDTree(coordinates_um[members]).query(
            coordinates_um[test[labels[test] == label]], k=min(RING + 1, len(members))
        )
        found.append(members[np.unique(near)])
    return np.unique(np.concatenate(found))


def _checked(region: Region) -> Region:
    if min(len(region.train), len(region.test)) < FEWEST_CELLS:
        raise UserError(
            "This tissue is too small to hold a region out.",
            f"{region.name} would train on {len(region.train)} cells and test on {len(region.test)}; "
            f"each needs {FEWEST_CELLS}.",
            "Bring a larger piece of tissue, or use the track unmeasured-gene.",
        )
    return region
