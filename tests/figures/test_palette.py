from __future__ import annotations

import numpy as np
import pytest
from PIL.ImageColor import getrgb

from backend.figures.palette import DIVERGING, GREY, TYPE_COLOURS, type_colours

# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB; none: normal sight.
SIGHT = {
    "none": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
LMS = [[0.41222147, 0.53633254, 0.05144599], [0.2119035, 0.68069955, 0.10739696], [0.08830246, 0.28171884, 0.6299787]]
LAB = [
    [0.21045426, 0.79361779, -0.00407205],
    [1.9779985, -2.42859221, 0.45059371],
    [0.02590404, 0.78277177, -0.80867577],
]


def oklab(colours: tuple[str, ...], sight: str) -> np.ndarray:
    rgb = np.array([getrgb(colour) for colour in colours]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.transpose(SIGHT[sight]), 0, 1)
    return np.cbrt(seen @ np.transpose(LMS)) @ np.transpose(LAB)


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize(("types", "apart"), [(8, 0.07), (16, 0.06), (30, 0.045)])
def test_types_can_be_told_apart(sight: str, types: int, apart: float) -> None:
    points = oklab((*TYPE_COLOURS[:types], GREY), sight)
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)[np.triu_indices(types + 1, 1)]
    assert distance.min() > apart


def test_a_type_keeps_its_colour_whatever_the_order_and_no_type_is_grey() -> None:
    colours = type_colours(["T cell", "unsure", "B cell", "nan"])
    assert colours == type_colours(["nan", "B cell", "unsure", "T cell", "T cell"])
    assert colours["unsure"] == colours["nan"] == GREY
    assert colours["B cell"] == TYPE_COLOURS[0]


def test_a_colour_that_was_chosen_is_nobody_elses() -> None:
    before = type_colours(["A", "B", "C"])
    after = type_colours(["A", "B", "new"], {"A": before["A"], "B": before["B"], "gone": "#123456"})
    assert (after["A"], after["B"]) == (before["A"], before["B"])
    assert after["new"] not in (before["A"], before["B"], GREY)


def test_more_types_than_colours_still_have_one_each() -> None:
    assert len(type_colours(f"type {i:02d}" for i in range(45))) == 45


def test_the_middle_of_a_difference_shows_on_its_ground() -> None:
    middles = {theme: getrgb(scale[2][1])[0] for theme, scale in DIVERGING.items()}
    assert middles["light"] < 235
    assert middles["dark"] > 40
