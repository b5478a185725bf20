"""What is learnt: surroundings at one, one and a half and two sigma together, by their leading components.

A context over few neighbours is noisy (split-half ceiling .61 at 30 um in lung, docs/methods.md); wider ones hold much
of the same signal with less noise. Each gene at each width counts equally.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.analysis.context import surroundings
from backend.errors import DataError
from backend.methods.contract import Cells, Floats

WIDTHS = (1.0, 1.5, 2.0)
RANK = 20
LEAST_SD = 1e-4


@dataclass(frozen=True)
class Goals:
    """values: n cells x rank, the first component with variance 1. basis: rank x (widths . P). mean, sd: of the context
    at sigma itself, per panel gene. widths: how many."""

    values: Floats
    basis: Floats
    mean: Floats
    sd: Floats
    widths: int

    def context(self, predicted: Floats, alone: bool = False) -> Floats:
        """Components (n x rank) -> context at sigma, n x P, in [0, 1]: the mean over widths of what is predicted, or
        what is for sigma itself (`alone`)."""
        parts = self.basis.reshape(len(self.basis), self.widths, -1)  # rank x widths x P
        read = parts[:, 0] if alone else parts.mean(axis=1)
        return np.asarray(np.clip(predicted @ read * self.sd + self.mean, 0.0, 1.0), dtype=np.float32)


def measured(panel: Cells, sigma_um: float, wider: bool) -> tuple[Floats, NDArray[np.bool_]]:
    """Contexts of `panel` cells at each width, n x (widths . P), and which cells have a neighbour.

    Raises `DataError` where the cells have no places."""
    if panel.coordinates is None:
        raise DataError("The tissue has no coordinates.", mend="Add a tissue whose cells have a place.")
    parts, kept = [], np.ones(panel.n_cells, dtype=bool)
    for width in WIDTHS if wider else WIDTHS[:1]:
        values, known = surroundings(panel.coordinates, panel.section, width * sigma_um, panel.expression)
        kept &= known
        parts.append(values)
    return np.concatenate(parts, axis=1), kept


def fit_goals(contexts: Floats, panel: int, seed: int) -> Goals:
    """contexts: n training cells x (widths . P)."""
    from sklearn.utils.extmath import randomized_svd

    mean = contexts.mean(axis=0)
    sd = np.maximum(contexts.std(axis=0), LEAST_SD)
    rank = min(RANK, *contexts.shape)
    left, strength, basis = randomized_svd((contexts - mean) / sd, rank, random_state=seed)
    unit = float(strength[0] / np.sqrt(len(contexts))) or 1.0
    values = np.asarray(left * strength / unit, dtype=np.float32)
    basis = np.asarray(basis * unit, dtype=np.float32)
    return Goals(values, basis, mean[:panel], sd[:panel], contexts.shape[1] // panel)
