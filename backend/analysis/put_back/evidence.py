"""What cells tell of where they came from, and what was measured around places, as a few numbers each.

A cell tells its predicted context and its own expression over the panel; a place, the context measured around it. All
statistics come from cells whose places are known. Where two fits predicted a half of the tissue each, predictions are
centred half by half: their level would tell which half a cell is in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.analysis.context import surroundings
from backend.analysis.put_back.depth import log_scaled, middle_total
from backend.analysis.put_back.fit import Canonical, Components, find_canonical, find_components
from backend.records import Scale

Floats = NDArray[np.float32]
KINDS = ("both", "context", "expression")  # what of a cell is heard
FROM_CONTEXT, FROM_EXPRESSION = 20, 30  # components
LEARNERS = 20_000  # more cells would change no digit of a covariance
CLIP = 10.0
PORTION = 5_000  # cells that are dense at once


@dataclass(frozen=True)
class Tissue:
    """n cells with places. predicted: contexts from fits that did not see the cell, NaN where there is none. measured:
    contexts, NaN for a cell without a neighbour. expression: n x panel. half: which fit predicted the cell (all 0 where
    one did). types: a name per cell, or None."""

    predicted: Floats
    measured: Floats
    expression: csr_matrix
    scale: Scale
    xy_um: NDArray[np.float64]
    section: NDArray[np.int32]
    half: NDArray[np.int32]
    sigma_um: float
    types: NDArray[np.object_] | None

    @property
    def told(self) -> NDArray[np.bool_]:
        """Cells with a prediction."""
        return np.asarray(np.isfinite(self.predicted).all(axis=1))

    @property
    def area(self) -> NDArray[np.intp]:
        """A number per section and half: within one, a test is fair."""
        keys = np.column_stack([self.section, self.half])
        return np.unique(keys, axis=0, return_inverse=True)[1].ravel().astype(np.intp)

    def contexts_without(self, hidden: NDArray[np.bool_]) -> Floats:
        """Measured contexts as if the hidden cells were not there; theirs are NaN."""
        if not hidden.any():
            return self.measured
        left = np.flatnonzero(~hidden)
        found, known = surroundings(
            self.xy_um[left], self.section[left], self.sigma_um, csr_matrix(self.expression[left])
        )
        values = np.full(self.measured.shape, np.nan, dtype=np.float32)
        values[left[known]] = found[known]
        return values


@dataclass(frozen=True)
class Standard:
    """Columns to mean 0 and deviation 1, clipped, then principal components."""

    mean: Floats
    deviation: Floats
    components: Components

    def of(self, values: Floats) -> NDArray[np.float64]:
        return self.components.of(np.clip((values - self.mean) / self.deviation, -CLIP, CLIP))


def standardise(values: Floats, most: int) -> Standard:
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    deviation = np.where(deviation > 1e-9, deviation, 1.0).astype(np.float32)
    return Standard(mean, deviation, find_components(np.clip((values - mean) / deviation, -CLIP, CLIP), most))


@dataclass(frozen=True)
class Reader:
    """How cells and places are read. centre: the mean predicted context of the tissue's cells."""

    context: Standard
    expression: Standard
    target: float
    centre: Floats
    around: Standard
    canonical: dict[str, Canonical]

    def tell(self, kind: str, predicted: Floats, expression: csr_matrix, scale: Scale) -> Floats:
        """a' of cells (see `fit`), n x pairs. predicted: contexts less their centre."""
        parts = []
        if kind != "expression":
            parts.append(in_portions(len(predicted), lambda rows: self.context.of(predicted[rows])))
        if kind != "context":
            read = lambda rows: self.expression.of(log_scaled(expression[rows], scale, self.target))  # noqa: E731
            parts.append(in_portions(len(predicted), read))
        return self.canonical[kind].of_cells(np.hstack(parts))

    def measure(self, kind: str, contexts: Floats) -> tuple[Floats, Floats]:
        """b and -h of places."""
        return self.canonical[kind].of_places(in_portions(len(contexts), lambda rows: self.around.of(contexts[rows])))


def centred(tissue: Tissue, known: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Predictions less the mean of their half over `known` cells, and the mean of all of these."""
    values = tissue.predicted.copy()
    for half in np.unique(tissue.half[known]):
        members = tissue.half == half
        values[members] -= tissue.predicted[members & known].mean(axis=0)
    return values, tissue.predicted[known].mean(axis=0)


def learn(tissue: Tissue, places: NDArray[np.intp], contexts: Floats, seed: int) -> Reader:
    """places: rows whose place may be known; contexts: of the whole tissue, measured among these."""
    known = np.zeros(len(contexts), dtype=bool)
    known[places] = True
    known &= tissue.told
    predicted, centre = centred(tissue, known)
    rows = np.flatnonzero(known)
    if len(rows) > LEARNERS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, LEARNERS, replace=False))
    target = middle_total(tissue.expression[rows], tissue.scale)
    own = log_scaled(tissue.expression[rows], tissue.scale, target)
    readers = (
        standardise(predicted[rows], FROM_CONTEXT),
        standardise(own, FROM_EXPRESSION),
        standardise(contexts[rows], FROM_CONTEXT),
    )
    told = {"context": readers[0].of(predicted[rows]), "expression": readers[1].of(own)}
    told["both"] = np.hstack([told["context"], told["expression"]])
    around = readers[2].of(contexts[rows])
    canonical = {kind: find_canonical(told[kind], around) for kind in KINDS}
    return Reader(readers[0], readers[1], target, centre, readers[2], canonical)


def in_portions(n: int, read: Callable[[slice], NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.concatenate([read(slice(start, start + PORTION)) for start in range(0, max(n, 1), PORTION)])
