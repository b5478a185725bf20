"""Where cells lie: inside which drawn polygon, and in which of the separate tissues of a slide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.errors import UserError
from backend.records import Area

_FEWEST = 0.01  # of a section's cells: a smaller piece is a crumb of the nearest one,
_LIKE_LARGEST = 0.1  # unless it is much like the largest: a tissue array has a hundred alike
_MOST_BINS = 4_000_000
_MOST_PIECES = 1000
_PER_GAP = 8  # bins: so a gap counts that is as wide as asked to within an eighth


def inside(xy: NDArray[np.floating], corners: Sequence[Sequence[float]]) -> NDArray[np.bool_]:
    """Whether each of n x 2 points lies inside a closed polygon, by the parity of the edges to its right.

    Points are sorted by y, so each edge looks only at those it spans: 1,000,000 points and 500 corners take 0.1 s.
    """
    polygon = np.asarray(corners, dtype=np.float64)
    low, high = polygon.min(axis=0), polygon.max(axis=0)
    found = np.zeros(len(xy), dtype=bool)
    near = np.flatnonzero(((xy >= low) & (xy <= high)).all(axis=1))
    near = near[np.argsort(xy[near, 1], kind="stable")]
    x, y = np.asarray(xy[near], dtype=np.float64).T
    odd = np.zeros(len(near), dtype=bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0)):
        if y0 == y1:
            continue
        start, end = np.searchsorted(y, [min(y0, y1), max(y0, y1)])
        odd[start:end] ^= x[start:end] < x0 + (y[start:end] - y0) * (x1 - x0) / (y1 - y0)
    found[near] = odd
    return found


def inside_any(
    xy: NDArray[np.floating], section: NDArray[np.object_], areas: Sequence[Area]
) -> tuple[NDArray[np.int64], list[int]]:
    """The last area that each cell lies in (-1: none), and per area how many cells of other sections lie within its
    corners: those are never taken."""
    last = np.full(len(xy), -1, dtype=np.int64)
    strangers = []
    for place, area in enumerate(areas):
        within = inside(xy, area.corners)
        own = section == area.section
        last[within & own] = place
        strangers.append(int((within & ~own).sum()))
    return last, strangers


@dataclass(frozen=True)
class Pieces:
    """number: the piece of each of n cells, 0 to n_pieces - 1, in reading order (rows from the top, left to right)."""

    number: NDArray[np.int64]
    n_pieces: int


def pieces(xy: NDArray[np.floating], gap_um: float) -> Pieces:
    """Parts of one section with at least about `gap_um` of empty space between them.

    Cells are put on a grid of an eighth of the gap; bins nearer than the gap are joined (dilation and labelling). A
    piece with less than 1 % of the cells, and less than a tenth of the largest, belongs to the nearest other.
    """
    from scipy import ndimage

    places, padded, shape, reach = _grid(xy, gap_um)
    filled = np.zeros(shape, dtype=bool)
    filled[padded[:, 0], padded[:, 1]] = True
    near = np.asarray(ndimage.distance_transform_edt(~filled) <= reach, dtype=bool)
    labels, n_labels = ndimage.label(near, structure=np.ones((3, 3)))
    of_cell = labels[padded[:, 0], padded[:, 1]] - 1
    sizes = np.bincount(of_cell, minlength=n_labels)
    small = (sizes < _FEWEST * len(xy)) & (sizes < _LIKE_LARGEST * sizes.max())
    if (~small).sum() > _MOST_PIECES:
        raise UserError(
            f"A gap of {gap_um:g} µm would cut the tissue into {(~small).sum():,} pieces.",
            f"At most {_MOST_PIECES} are taken: cells of one tissue lie this far apart.", "Choose a wider gap.",
        )  # fmt: skip
    if small.any():
        away = np.isin(labels, np.flatnonzero(~small) + 1, invert=True)
        rows, columns = ndimage.distance_transform_edt(away, return_distances=False, return_indices=True)
        of_cell = labels[rows, columns][padded[:, 0], padded[:, 1]] - 1
    return _in_reading_order(places, of_cell)


def _grid(
    xy: NDArray[np.floating], gap_um: float
) -> tuple[NDArray[np.float64], NDArray[np.int64], tuple[int, int], float]:
    places = np.asarray(xy, dtype=np.float64) - np.min(xy, axis=0)
    extent = np.maximum(places.max(axis=0), 1e-6)
    step = max(gap_um / _PER_GAP, float(np.sqrt(extent.prod() / _MOST_BINS)))
    reach = max(0.0, (gap_um / step - 1) / 2)  # on both sides, and bins that touch are joined
    margin = int(np.ceil(reach)) + 1
    bins = (places / step).astype(np.int64) + margin
    rows, columns = bins.max(axis=0) + margin + 1
    return places, bins, (int(rows), int(columns)), reach


def _in_reading_order(places: NDArray[np.float64], of_cell: NDArray[np.int64]) -> Pieces:
    kept, number = np.unique(of_cell, return_inverse=True)
    boxes = [places[number == piece] for piece in range(len(kept))]
    middle = np.array([(box.min(axis=0) + box.max(axis=0)) / 2 for box in boxes])
    tall = float(np.median([np.ptp(box[:, 1]) for box in boxes]))
    down = np.argsort(middle[:, 1], kind="stable")
    # A row ends where the next middle lies half a piece lower.
    breaks = np.diff(middle[down, 1], prepend=middle[down[0], 1]) > tall / 2
    rows = np.empty(len(kept), dtype=np.int64)
    rows[down] = np.cumsum(breaks)
    order = np.lexsort((middle[:, 0], rows))
    return Pieces(np.argsort(order)[number].astype(np.int64), len(kept))


def default_gap_um(neighbour_um: float | None) -> float:
    """An empty space that one tissue hardly holds: 12 times the distance between neighbours, at least 100 um."""
    return max(100.0, round(12 * (neighbour_um or 0.0), -1))
