"""From standard scores to expression: never negative, skewed as counts are, of the mean that the gene should have."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from backend.methods.contract import Floats

MOST = 6.0  # standard scores beyond are cut: one cell must not set a gene's scale


@dataclass(frozen=True)
class Shape:
    """max(exp(skew z) - exp(-skew floor), 0): `floor` standard scores below the mean a gene is off."""

    skew: float = 0.3
    floor: float = 1.0

    def of(self, scores: Floats) -> Floats:
        """Any standard scores, the same shape."""
        raised = np.exp(self.skew * np.clip(scores, -MOST, MOST)) - np.exp(-self.skew * self.floor)
        return np.asarray(np.maximum(raised, 0.0), dtype=np.float32)


SHAPES = tuple(Shape(*pair) for pair in product((0.15, 0.3, 0.45), (0.5, 0.75, 1.0, 1.5)))


def standard_scores(values: Floats) -> Floats:
    """Each column of mean 0 and deviation 1; a constant one is zeros."""
    centred = values - values.mean(axis=0)
    deviation = centred.std(axis=0)
    return np.asarray(centred / np.where(deviation > 1e-7, deviation, np.inf), dtype=np.float32)


def expression(scores: Floats, shape: Shape, means: NDArray[np.float64]) -> Floats:
    """n x genes, log1p of counts at the tissue's median depth: the shape, scaled to the expected mean of each gene."""
    shaped = shape.of(scores)
    return np.asarray(shaped * (means / np.maximum(shaped.mean(axis=0), 1e-6)), dtype=np.float32)
