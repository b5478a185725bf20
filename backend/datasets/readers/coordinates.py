"""Where files keep the places of their cells: names in use, best guess first."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.records import Unit


class Pair(NamedTuple):
    x: str
    y: str
    unit: Unit | None = None  # where the name itself fixes it


# In lower case. Global before local: local ones start again in each field of view.
PAIRS = (
    Pair("x_centroid", "y_centroid"),  # Xenium, um; the name alone does not prove it
    Pair("x_um", "y_um", "um"),
    Pair("x_mm", "y_mm", "mm"),
    Pair("x_slide_mm", "y_slide_mm", "mm"),
    Pair("centerx_global_px", "centery_global_px", "px"),  # CosMx
    Pair("x_global_px", "y_global_px", "px"),
    Pair("pxl_col_in_fullres", "pxl_row_in_fullres", "px"),  # Visium
    Pair("center_x", "center_y"),  # MERSCOPE
    Pair("centroid_x", "centroid_y"),
    Pair("spatial_x", "spatial_y"),
    Pair("x_location", "y_location"),
    Pair("x_coord", "y_coord"),
    Pair("coord_x", "coord_y"),
    Pair("xcoord", "ycoord"),
    Pair("pos_x", "pos_y"),
    Pair("x_position", "y_position"),
    Pair("x_px", "y_px", "px"),
    Pair("x", "y"),
    Pair("centerx_local_px", "centery_local_px", "px"),
    Pair("imagecol", "imagerow", "px"),
)
_PLACES = ("spatial", "coord", "centroid", "location")


def is_place(name: str) -> bool:
    """Whether an `obsm` entry of this name may hold places (and not an embedding)."""
    return name.lower() in ("xy", "x_xy") or any(word in name.lower() for word in _PLACES)


def find_pairs(table: pd.DataFrame) -> list[tuple[str, str, Unit | None]]:
    """Pairs of numeric columns (as written in the table) that are named like coordinates, best guess first."""
    names = {str(column).lower(): str(column) for column in reversed(list(table.columns))}
    found = []
    for pair in PAIRS:
        x, y = names.get(pair.x), names.get(pair.y)
        if x and y and all(pd.api.types.is_numeric_dtype(table[column]) for column in (x, y)):
            found.append((x, y, pair.unit))
    return found


def coordinates_of(table: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """n x 2 coordinates under "obs/x,y" for each pair of `find_pairs`, in the table's own unit."""
    return {f"obs/{x},{y}": table[[x, y]].to_numpy(dtype=np.float64) for x, y, _ in find_pairs(table)}
