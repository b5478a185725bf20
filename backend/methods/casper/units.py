"""From what the attention read of an unmeasured gene, in z-scores of the reference, to the tissue's own units.

The tissue never showed the gene, so its level and its spread are guessed from the reference, as the panel's genes
teach: y = b + s . read, with b and s from the gene's mean in the reference (methods.md §1.6).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.methods.contract import Floats

FEWEST_GENES = 5  # below, every gene is given the panel's median level
_LEAST = 1e-4


@dataclass(frozen=True)
class Units:
    """level: mean in the tissue = level[0] + level[1] . mean in the reference, kept within the panel's range; spread:
    log deviation = spread[0] + spread[1] . log mean in the tissue."""

    level: tuple[float, float]
    spread: tuple[float, float]
    within: tuple[float, float]

    @staticmethod
    def learn(logged: Floats, reference_mean: Floats) -> Units:
        """logged: n cells x panel genes, log1p; reference_mean: the same genes' means over reference cells."""
        mean, deviation = logged.mean(axis=0), np.maximum(logged.std(axis=0), _LEAST)
        mean = np.maximum(mean, _LEAST)
        if len(mean) < FEWEST_GENES:
            level, spread = (float(np.median(mean)), 0.0), (float(np.log(np.median(deviation))), 0.0)
        else:
            level, spread = _line(reference_mean, mean), _line(np.log(mean), np.log(deviation))
        return Units(level, spread, (float(mean.min()), float(mean.max())))

    def of(self, reference_mean: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and deviation that the genes should have in the tissue."""
        mean = np.clip(self.level[0] + self.level[1] * reference_mean.astype(np.float64), *self.within)
        return mean, np.exp(self.spread[0] + self.spread[1] * np.log(mean))


def _line(x: NDArray[np.floating], y: NDArray[np.floating]) -> tuple[float, float]:
    """Intercept and slope by least squares; the slope is not allowed to fall below zero."""
    centred = x.astype(np.float64) - x.mean()
    slope = max(0.0, float(centred @ (y - y.mean())) / max(float(centred @ centred), 1e-12))
    return float(y.mean() - slope * x.mean()), slope
