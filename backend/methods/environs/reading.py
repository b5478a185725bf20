"""How a cell's expression enters the networks, and how another platform's cells are made alike.

log1p at the tissue's median depth, over the input genes alone (methods.md, trap 5); then each gene relative to its mean
and spread, weighed by the square root of its spread: between z-scores, which make a gene that is mostly noise as loud
as any, and plain logarithms, which hear the abundant genes only.

Mean and spread are those of the training cells. Cells that differ from these in the mean far more than strips of the
training tissue differ from each other are read relative to their own: that is another platform, not another biology.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.errors import DataError
from backend.methods.contract import Cells, Floats
from backend.methods.thinning import linear_shares

CLIP = 8.0
FEWEST_OWN = 100  # cells whose own means say something of their platform
FAR = 2.0  # times the difference that the most different strip shows
FEWEST_SHOWING = 10  # cells of the tissue that show a gene; rarer ones are not read
MOST_RESCALED = 2.0


@dataclass(frozen=True)
class Reading:
    """total: the depth to which cells are scaled. mean, sd: per input gene, of the training cells' logs. weight: per
    gene; 0: not read. usual: the largest `difference` of a strip of the training tissue; infinite: never look."""

    total: float
    mean: Floats
    sd: Floats
    weight: Floats
    usual: float = np.inf

    def read(self, shares: csr_matrix) -> Floats:
        """shares: cells x input genes, each cell's shares of its total -> cells x genes that are read."""
        logs = _logs(shares, self.total)
        mean, sd = self.mean, self.sd
        if len(logs) >= FEWEST_OWN and self._difference(logs) > FAR * self.usual:
            own = logs.std(axis=0)
            known = own > 0
            mean = np.where(known, logs.mean(axis=0), self.mean)
            sd = np.where(known, np.clip(own, self.sd / MOST_RESCALED, self.sd * MOST_RESCALED), self.sd)
        values = ((logs - mean) / sd * self.weight)[:, self.weight > 0]
        return np.asarray(np.clip(values, -CLIP, CLIP), dtype=np.float32)

    @property
    def n_read(self) -> int:
        return int((self.weight > 0).sum())

    def difference(self, shares: csr_matrix) -> float:
        """Mean squared difference of these cells' gene means from the training cells', in spreads, as weighed."""
        return self._difference(_logs(shares, self.total))

    def _difference(self, logs: Floats) -> float:
        return float(np.average(np.square((logs.mean(axis=0) - self.mean) / self.sd), weights=self.weight**2))

    def arrays(self) -> dict[str, Floats]:
        return {"mean": self.mean, "sd": self.sd, "weight": self.weight}


def fit_reading(tissue: Cells, strips: Sequence[NDArray[np.intp]]) -> tuple[Reading, Floats]:
    """From the training cells alone: the reading, and these cells as read (n x genes that are). strips: rows of
    each; without any, all cells are read as the training cells are. Raises DataError where no gene can be read."""
    shares = linear_shares(tissue)
    total = _linear_total(tissue)
    depth = float(np.median(total[total > 0])) if (total > 0).any() else 1.0
    logs = _logs(shares, depth)
    mean, sd = logs.mean(axis=0), logs.std(axis=0)
    showing = np.asarray((tissue.expression > 0).sum(axis=0)).ravel()
    read = (showing >= min(FEWEST_SHOWING, tissue.n_cells // 10)) & (sd > 0)
    if not read.any():
        raise DataError(
            "No gene of the tissue can be read.",
            "Each is shown by too few cells, or by all of them alike.",
            "Bring a tissue with more cells, or a deeper one.",
        )
    sd = np.asarray(np.where(sd > 0, sd, 1.0), dtype=np.float32)
    # One mean square over genes and cells, whatever the panel: a step of one size fits every tissue.
    unit = float(sd[read].mean())
    found = Reading(depth, mean, sd, np.asarray(np.where(read, np.sqrt(sd / unit), 0.0), dtype=np.float32))
    usual = max((found.difference(shares[rows]) for rows in strips), default=np.inf)
    return replace(found, usual=usual), found.read(shares)


def jitter(inputs: Floats, strength: float, random: np.random.Generator) -> Floats:
    """The same cells as another platform might show them: per gene another efficiency and background, the same for all
    cells of the batch, and less of what each cell shows. inputs: B x genes, as read."""
    batch, genes = inputs.shape
    efficiency = np.asarray(np.exp(strength * random.standard_normal(genes)), dtype=np.float32)
    background = 0.5 * strength * random.standard_normal(genes, dtype=np.float32)
    depth = 1 - 0.5 * strength * random.random((batch, 1), dtype=np.float32)
    noise = 0.5 * strength * random.standard_normal(inputs.shape, dtype=np.float32)
    return np.asarray(inputs * efficiency * depth + background + noise, dtype=np.float32)


def _logs(shares: csr_matrix, total: float) -> Floats:
    return np.asarray(np.log1p((shares * np.float32(total)).toarray()), dtype=np.float32)


def _linear_total(cells: Cells) -> NDArray[np.float64]:
    values = cells.expression.expm1() if cells.scale == "log" else cells.expression
    return np.asarray(values.sum(axis=1), dtype=np.float64).ravel()
