"""A training's health in words, from the numbers that it reports. No torch: pages call this while a run is going on.

The numbers, all on draws that training never used, in units of the real contexts of the tissue (each gene's mean and
s.d.): `critic`, by how much the critic rates real surroundings above predicted ones; `spread`, the s.d. of predictions
(median gene; 1: as much as real); `shift`, how far their means lie from the real ones (mean over genes); `follow`, how
much worse a prediction explains another cell of like depth than its own, as a share of what real surroundings do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

State = Literal["healthy", "collapsed", "ignoring the input", "diverged"]

# Measured by short trainings on simulated tissue (tests/methods/scxm/test_verdict.py) and on real ones. Trainings whose
# predictions were right (median r .25 and more) had a spread of .11 to .82; they followed .14 to .9 on simulated tissue
# and, shallow as it is, .05 to .18 on CosMx lung. At the start both are near 0. Without consistency follow came out
# from -.2 to .2, twelve times of fifteen at or below 0: the critic alone ties a prediction to its cell by luck only.
LEAST_SPREAD, MOST_SPREAD, LEAST_FOLLOW, MOST_SHIFT = 0.1, 3.0, 0.02, 1.0


@dataclass(frozen=True)
class Reading:
    """One number of a training as a scientist reads it. good: as healthy trainings show it; None: it cannot be said."""

    name: str
    value: str
    means: str
    good: bool | None = None


def verdict(metrics: Mapping[str, float]) -> tuple[State, str]:
    """The state and a sentence or two. A number that was not reported is not judged, but `spread` always is."""
    spread, follow = metrics.get("spread", math.nan), metrics.get("follow", 1.0)
    if not all(math.isfinite(value) for value in (*metrics.values(), spread)) or spread > MOST_SPREAD:
        return "diverged", "Diverged: the predictions left the range of real surroundings. Lower the learning rates."
    if spread < LEAST_SPREAD:
        return (
            "collapsed",
            f"Collapsed: every cell is given nearly the same surroundings ({spread:.0%} of the real spread). Train "
            "longer, raise the weight of consistency, or let the critic learn as fast as the encoder.",
        )
    if follow < LEAST_FOLLOW:
        return (
            "ignoring the input",
            "Ignoring the input: predictions look real but explain other cells of like depth about as well as their "
            "own. Raise the weight of consistency.",
        )
    told = f" and follow their cells {follow:.0%} as closely" if "follow" in metrics else ""
    return "healthy", f"Healthy: predictions vary {spread:.0%} as much as real surroundings{told}."


def readings(metrics: Mapping[str, float]) -> tuple[Reading, ...]:
    """What was reported, in the order in which one asks."""
    found = []
    if "spread" in metrics:
        spread = metrics["spread"]
        means = "S.d. of the predictions over cells, as a share of the real surroundings’ (median gene). Near 0: all "
        means += "cells are given the same. Some shrinkage is usual."
        found.append(Reading("Spread", f"{spread:.0%} of real", means, LEAST_SPREAD <= spread <= MOST_SPREAD))
    if "follow" in metrics:
        follow = metrics["follow"]
        means = "How much better a prediction explains its own cell than another of like depth; 100 %: as real "
        means += "surroundings do. Near or below 0: the prediction ignores its cell."
        found.append(Reading("Follows its cell", f"{follow:.0%} of real", means, follow >= LEAST_FOLLOW))
    if "shift" in metrics:
        shift = metrics["shift"]
        means = "How far each gene’s mean prediction lies from the tissue’s mean, in s.d. of real surroundings, on "
        means += "average over genes. Large where the reference holds other cells than the tissue."
        found.append(Reading("Error of the mean", f"{shift:.2f} s.d.", means, shift <= MOST_SHIFT))
    if "critic" in metrics:
        means = "By how much the critic rates real surroundings above predicted ones (Wasserstein distance, in its own "
        means += "units). It should level off; only its course tells, not its height."
        found.append(Reading("Critic’s distance", f"{metrics['critic']:.2f}", means))
    return tuple(found)
