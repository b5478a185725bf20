"""Random numbers and batches as functions of the step.

Every random number of a training comes from a stream named by (seed, purpose, step). So the step *is* the random state:
a resumed training needs no generator's memory, and draws what the undisturbed one would have drawn.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray


def stream(seed: int, purpose: str, step: int = 0) -> np.random.Generator:
    """An independent generator for each (seed, purpose, step)."""
    key = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:4], "little")
    return np.random.default_rng([seed, key, step])


class Shuffle:
    """Endless batches of row numbers: each pass is a fresh permutation, cut into whole batches (the rest is dropped).

    Fewer rows than a batch: rows are drawn with replacement.
    """

    def __init__(self, n_rows: int, batch_size: int, seed: int, purpose: str) -> None:
        self.n_rows, self.batch_size, self.seed, self.purpose = n_rows, batch_size, seed, purpose
        self.per_pass = n_rows // batch_size
        self._pass = -1
        self._order: NDArray[np.int64] = np.empty(0, dtype=np.int64)

    def at(self, step: int) -> NDArray[np.int64]:
        """The rows of batch `step`, whatever was asked before. Shape: (batch_size,)."""
        if self.per_pass == 0:
            return stream(self.seed, self.purpose, step).integers(self.n_rows, size=self.batch_size)
        number, place = divmod(step, self.per_pass)
        if number != self._pass:
            self._pass, self._order = number, stream(self.seed, self.purpose, number).permutation(self.n_rows)
        return self._order[place * self.batch_size : (place + 1) * self.batch_size]
