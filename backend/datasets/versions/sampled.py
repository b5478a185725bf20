"""Is a file itself a sample of the tissue's cells? Told by how densely cells stand against how large they are."""

from __future__ import annotations

import math

import numpy as np

from backend.datasets.checks.case import count
from backend.datasets.checks.places import neighbours_within
from backend.records import DatasetRecord
from backend.store import matrix

TYPICAL_AREA_UM2 = 80.0  # where the file does not say how large its cells are: some 10 um across
_ROOMY = 1.9  # times the distance at which cells touch: loose tissue reaches 1.5, one cell in three about 1.7
_ROOMY_GUESS = 2.0  # where the size is only typical: neurons stand far apart
_AROUND_UM = 50.0
_AREAS_PER_CELL = 2.0  # of ground: between the cells of tissue lie matrix, vessels and lumens


def sampled(record: DatasetRecord) -> str | None:
    """What it means for neighbourhoods in micrometres, in sentences; None where the cells stand as in whole tissue,
    for spots and for a reference."""
    if record.role == "reference" or record.spots or not record.neighbour_um:
        return None
    table = matrix.obs(record.id, ["area_um2", "x_um", "y_um", "section"])
    known = "area_um2" in table and bool(np.isfinite(table["area_um2"]).any())
    area = float(np.nanmedian(table["area_um2"])) if known else TYPICAL_AREA_UM2
    touching = math.sqrt(2 / math.sqrt(3) * area)  # centres of cells in closest packing
    if record.neighbour_um < (_ROOMY if known else _ROOMY_GUESS) * touching:
        return None
    share = _share(record.neighbour_um, area)
    xy = table[["x_um", "y_um"]].to_numpy(dtype=np.float64)
    section = table["section"].astype(str).to_numpy() if "section" in table else np.full(len(xy), "")
    around = neighbours_within(xy, section, _AROUND_UM)
    size = f"cells of {area:,.0f} µm² (the median)" if known else f"cells of a typical {area:,.0f} µm²"
    return (
        f"This file looks like a sample of the tissue's cells, roughly 1 in {_rough(1 / share)}: neighbours are "
        f"{record.neighbour_um:.0f} µm apart, and {size} touch at {touching:.0f} µm. "
        f"Within {_AROUND_UM:.0f} µm the median cell has {count(int(around), 'other')}, in the tissue roughly "
        f"{_rough(around / share)}. So a neighbour here is seldom one that touches, and what is measured around a cell "
        "is noisier and rests on fewer cells than the distance suggests: compare regions, not contacts, and add the "
        "whole section if you can."
    )


def _share(neighbour_um: float, area_um2: float) -> float:
    """The share of the tissue's cells in the file. Cells drawn at random stand as in a Poisson process: the median
    distance to the nearest is sqrt(ln 2 / (pi density)). Rough: how loose a tissue is differs by a factor of two."""
    density = math.log(2) / (math.pi * neighbour_um**2)
    return min(1.0, density * _AREAS_PER_CELL * area_um2)


def _rough(number: float) -> str:
    """One digit is all that is known."""
    return f"{max(2.0, float(f'{number:.1g}')):,.0f}"
