"""Which cells a model learns from and which it is judged on (methods.md §8, Track C).

Neighbours resemble each other, so a random split would test on cells whose surroundings were trained on. Halves are cut
along x within each section, with a buffer as wide as a context's reach between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.analysis.strips import buffer_um, sections
from backend.errors import UserError

MIN_CELLS = 50


@dataclass(frozen=True)
class Fold:
    """Rows of the tissue. name: a plain word that also names the fit's folder."""

    name: str
    words: str
    train: NDArray[np.intp]
    test: NDArray[np.intp]


def sides(
    coordinates_um: NDArray[np.floating], section: NDArray[np.integer] | None, sigma_um: float
) -> NDArray[np.int8]:
    """Per cell 0 (left half of its section), 1 (right half) or -1 (in the buffer between them)."""
    x = np.asarray(coordinates_um, dtype=np.float64)[:, 0]
    side = np.full(len(x), -1, dtype=np.int8)
    for members in sections(section, len(x)):
        offset = x[members] - np.median(x[members])
        side[members[offset < -buffer_um(sigma_um) / 2]] = 0
        side[members[offset > buffer_um(sigma_um) / 2]] = 1
    return side


def halves(
    coordinates_um: NDArray[np.floating], section: NDArray[np.integer] | None, sigma_um: float
) -> tuple[Fold, Fold]:
    """Both directions: train left, test right, and the other way round. Cells of the buffer are in neither.

    Raises `UserError` where a half would keep fewer than 50 cells."""
    side = sides(coordinates_um, section, sigma_um)
    left, right = np.flatnonzero(side == 0), np.flatnonzero(side == 1)
    if min(len(left), len(right)) < MIN_CELLS:
        width = float(np.ptp(np.asarray(coordinates_um)[:, 0])) if len(side) else 0.0
        raise UserError(
            f"This tissue cannot be cut into two halves with σ = {sigma_um:g} µm.",
            f"It is {width:,.0f} µm wide and {buffer_um(sigma_um):,.0f} µm (3σ) between the halves are left out, which "
            f"leaves {len(left)} and {len(right)} cells; each half needs {MIN_CELLS}.",
            "Choose a smaller σ, add a validation tissue to the study, or bring a larger piece of tissue.",
        )
    return (
        Fold("held-out-1", "on the left half, to be tested on the right", left, right),
        Fold("held-out-2", "on the right half, to be tested on the left", right, left),
    )
