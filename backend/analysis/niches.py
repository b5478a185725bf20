"""Niches: one type's cells split by a predicted context into isolated and clustered (SCXM §3.4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.errors import UserError

FEWEST_CELLS = 10  # in either group
OTSU, CHOSEN = "Otsu, of the predictions", "chosen"


@dataclass(frozen=True)
class Split:
    """rows: the type's cells that have a prediction, in the data set's order. clustered: one bool for each of them."""

    rows: NDArray[np.intp]
    clustered: NDArray[np.bool_]
    threshold: float
    how: str


def otsu(values: NDArray[np.floating]) -> float:
    """The threshold that separates two groups of values best (Otsu 1979): largest variance between them.

    NaN is left out. Raises UserError where all values are the same."""
    from skimage.filters import threshold_otsu

    known = values[np.isfinite(values)]
    if len(known) < 2 or np.ptp(known) == 0:
        raise UserError(
            "These cells cannot be split.",
            "The prediction is the same for all of them." if len(known) else "None of them has a prediction.",
            "Choose another gene, or another cell type.",
        )
    found = threshold_otsu(np.asarray(known, dtype=np.float64))  # type: ignore[no-untyped-call]
    # It ends the lower group's histogram bin; the middle of the gap above it makes the same groups and is no edge case.
    return float(known[known <= found].max() + known[known > found].min()) / 2.0


def split_cells(
    context: NDArray[np.floating], of_type: NDArray[np.bool_], threshold: float | None, words: str = "cells"
) -> Split:
    """Clustered: predicted context at or above the threshold (Otsu's of these cells, if None).

    context: n cells. of_type: which of them to split, called `words` in messages. Raises UserError where a group holds
    fewer than ten cells: a rank test could then find nothing.
    """
    rows = np.flatnonzero(of_type & np.isfinite(context))
    if len(rows) < 2 * FEWEST_CELLS:
        raise UserError(
            f"Only {len(rows):,} {words} have a prediction.",
            f"Two groups need at least {FEWEST_CELLS} cells each.",
            "Choose a more common cell type.",
        )
    chosen = otsu(context[rows]) if threshold is None else threshold
    clustered = np.asarray(context[rows] >= chosen)
    fewest = int(min(clustered.sum(), (~clustered).sum()))
    if fewest < FEWEST_CELLS:
        side = "at or above" if clustered.sum() == fewest else "below"
        low, high = np.quantile(context[rows], [0.1, 0.9])
        raise UserError(
            f"Only {fewest:,} of {len(rows):,} {words} lie {side} {chosen:.3g}.",
            f"Each group needs at least {FEWEST_CELLS} cells.",
            f"Choose a threshold between {low:.3g} and {high:.3g}, another gene, or a more common cell type.",
        )
    return Split(rows, clustered, float(chosen), OTSU if threshold is None else CHOSEN)
