"""A small picture of a tissue: one dot a cell, in the colour of its type."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor

from backend.figures.points import Places

WIDTH, HEIGHT = 320, 160  # px
_MOST_DOTS = 30_000


def thumbnail(places: Places, types: NDArray[np.str_], colours: dict[str, str]) -> bytes:
    """PNG, `WIDTH` x `HEIGHT`, on clear ground. types: n names; of more than 30,000 cells each k-th is drawn."""
    rows = np.arange(0, len(types), 1 + len(types) // _MOST_DOTS)
    low, span = places.box
    scale = min((WIDTH - 8) / float(span[0]), (HEIGHT - 8) / float(span[1]))
    shift = (np.array([WIDTH, HEIGHT]) - span * scale) / 2
    xy = np.nan_to_num((places.xy[rows] - low) * scale + shift).astype(int)
    dot = max(1, min(4, round(0.8 * scale * float(np.sqrt(span.prod() / len(types))))))
    ground = np.zeros((HEIGHT + dot, WIDTH + dot, 4), dtype=np.uint8)
    names, code = np.unique(types[rows], return_inverse=True)
    ink = np.array([(*ImageColor.getrgb(colours.get(name, "#9AA0A6")), 255) for name in names], dtype=np.uint8)[code]
    for down in range(dot):
        for right in range(dot):
            ground[xy[:, 1] + down, xy[:, 0] + right] = ink
    picture = io.BytesIO()
    Image.fromarray(ground[:HEIGHT, :WIDTH], "RGBA").save(picture, "PNG", optimize=True)
    return picture.getvalue()
