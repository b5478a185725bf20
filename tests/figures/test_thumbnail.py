from __future__ import annotations

import io

import numpy as np
from PIL import Image

from backend.figures.points import Places
from backend.figures.prepare.thumbnail import HEIGHT, WIDTH, thumbnail

COLOURS = {"left": "#ff0000", "right": "#0000ff"}


def picture(n_cells: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1000, n_cells)
    types = np.where(x < 500, "left", "right")
    drawn = thumbnail(Places(x, rng.uniform(0, 500, n_cells), None), types, COLOURS)
    return np.asarray(Image.open(io.BytesIO(drawn)))


def test_types_stand_where_their_cells_are() -> None:
    for n_cells in (500, 200_000):
        pixels = picture(n_cells)
        assert pixels.shape == (HEIGHT, WIDTH, 4)
        red = np.argwhere((pixels[..., 0] == 255) & (pixels[..., 3] == 255))
        blue = np.argwhere((pixels[..., 2] == 255) & (pixels[..., 3] == 255))
        assert min(len(red), len(blue)) > 200
        assert red[:, 1].max() <= blue[:, 1].min() + 12
        assert (pixels[..., 3] == 0).any()


def test_one_cell_and_an_unknown_colour() -> None:
    drawn = thumbnail(Places([1.0], [2.0], None), np.array(["new"]), COLOURS)
    assert (np.asarray(Image.open(io.BytesIO(drawn)))[..., 3] == 255).any()
