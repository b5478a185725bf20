"""A few fixed draws of every reference cell, tokenised once, so that what is frozen can be computed once.

Without a backbone each step draws its cells afresh (thinning.py). Behind a frozen backbone that would cost a whole pass
each time; a draw is then one of a few that were made beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from backend.methods.scxm.backbone.reader import Sentences
from backend.methods.scxm.geneformer.tokens import Ragged
from backend.methods.scxm.problem import Problem
from backend.training.batches import stream

CHUNK = 1000


@dataclass(frozen=True)
class Pool:
    """Member m is draw m % draws of reference cell m // draws. tokens: all members'. own: (members, P), 1[x > 0]."""

    tokens: Ragged
    own: csr_matrix
    draws: int

    @property
    def n_members(self) -> int:
        return len(self.tokens.offsets) - 1

    def members(self, rows: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
        """A random draw of each row, sorted by length."""
        chosen = rows * self.draws + random.integers(self.draws, size=len(rows))
        return chosen[np.argsort(self.tokens.lengths[chosen], kind="stable")]


def make_pool(problem: Problem, draws: int, seed: int) -> Pool:
    assert isinstance(problem.read, Sentences)
    flat, lengths, own = [], [], []
    for start in range(0, problem.n_reference, CHUNK):
        rows = np.repeat(np.arange(start, min(start + CHUNK, problem.n_reference)), draws)
        drawn = problem.draw(rows, stream(seed, "scxm/pool", start))
        sentences = problem.read.ragged(drawn)
        flat.append(sentences.flat.astype(np.int32))
        lengths.append(sentences.lengths)
        own.append(csr_matrix(drawn[:, problem.panel] > 0, dtype=np.float32))
    offsets = np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int64)
    return Pool(Ragged(np.concatenate(flat), offsets), csr_matrix(vstack(own)), draws)
