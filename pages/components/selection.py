"""What is drawn on a figure with lasso or box."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend import api
from backend.figures.points import Places


def polygons(event: Any) -> list[NDArray[np.float64]]:
    """What is drawn now, as corners on the map. The outlines themselves are read, never the points in them, which
    would be megabytes."""
    selection = event.get("selection", {}) if event else {}
    found = [np.column_stack([shape["x"], shape["y"]]) for shape in selection.get("lasso", ())]
    for box in selection.get("box", ()):
        (x0, x1), (y0, y1) = box["x"][:2], box["y"][:2]
        found.append(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]))
    return [corners.astype(np.float64) for corners in found if len(corners) > 2]


def inside(event: Any, places: Places) -> NDArray[np.bool_]:
    """Which of the n cells lie in anything that is drawn now."""
    held = np.zeros(len(places.xy), dtype=bool)
    for corners in polygons(event):
        held |= np.asarray(api.cells_inside(places.xy, corners.tolist()))
    return held


def clicked(event: Any) -> int | None:
    """The row of the cell that was clicked last, None where none was. Cells carry their row as custom data."""
    points = event.get("selection", {}).get("points", ()) if event else ()
    told: Any = points[-1].get("customdata") if points else None
    return None if told is None else int(np.ravel(told)[0])
