"""A training's health in words, from the numbers that it reports. No torch: pages call this while a run is going on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

State = Literal["healthy", "collapsed", "ignoring the input", "diverged"]

LEAST_SPREAD, MOST_SPREAD, LEAST_MATCH = 0.1, 3.0, 0.002


def verdict(metrics: Mapping[str, float]) -> tuple[State, str]:
    """metrics: `critic`, `consistency`, `spread` (s.d. of predictions / s.d. of real contexts, median gene) and `match`
    (how much worse the consistency is, relatively, when predictions are held against other cells' expression)."""
    spread, match = metrics.get("spread", math.nan), metrics.get("match", math.nan)
    if not all(math.isfinite(value) for value in metrics.values()) or spread > MOST_SPREAD:
        return "diverged", "Diverged: the predictions left the range of real surroundings. Lower the learning rates."
    if spread < LEAST_SPREAD:
        return (
            "collapsed",
            "Collapsed: every cell is given nearly the same surroundings. Train longer or raise consistency.",
        )
    if match < LEAST_MATCH:
        return (
            "ignoring the input",
            "Ignoring the input: predictions look real but explain other cells as well as their own. "
            "Raise the weight of consistency.",
        )
    return "healthy", f"Healthy: predictions vary {spread:.0%} as much as real surroundings, and follow their cells."
