"""How a cell's expression enters an encoder: log-normalised and standardised (MLP), or as ranked genes (transformer).

Both read CSR rows in any linear scale; a cell's total cancels out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.methods.contract import Floats

PAD, MASK, CLS, FIRST_GENE = 0, 1, 2, 3


@dataclass(frozen=True)
class LogInput:
    """log1p(x / total . `total`), then (value - mean) / sd per gene, clipped to +-10."""

    total: float
    mean: Floats
    sd: Floats

    def __call__(self, rows: csr_matrix) -> Floats:
        """rows: (B, G) linear, non-negative -> (B, G)."""
        standard: Floats = (log_normalise(rows, self.total) - self.mean) / self.sd
        return np.clip(standard, -10.0, 10.0)

    def arrays(self) -> dict[str, Floats]:
        return {"total": np.array([self.total], dtype=np.float32), "mean": self.mean, "sd": self.sd}

    @staticmethod
    def fit(rows: csr_matrix) -> LogInput:
        """Statistics of the cells that the encoder will be trained on, as shallow as it will see them."""
        totals = np.asarray(rows.sum(axis=1)).ravel()
        total = float(np.median(totals[totals > 0])) if (totals > 0).any() else 1.0
        values = log_normalise(rows, total)
        sd = values.std(axis=0)
        return LogInput(total, values.mean(axis=0), np.where(sd > 1e-6, sd, 1.0).astype(np.float32))


def log_normalise(rows: csr_matrix, total: float) -> Floats:
    """log1p of the rows scaled to `total`. Dense (B, G), float32."""
    dense: Floats = rows.toarray().astype(np.float32, copy=False)
    sums = dense.sum(axis=1, keepdims=True)
    scaled = dense * (np.float32(total) / np.where(sums > 0, sums, np.float32(1.0)))
    return np.asarray(np.log1p(scaled), dtype=np.float32)


@dataclass(frozen=True)
class RankInput:
    """<cls> followed by gene tokens in the order of expression / the gene's non-zero median (Theodoris et al. 2023),
    stable in ties, cut to `max_tokens`, padded with 0."""

    medians: Floats
    max_tokens: int

    def __call__(self, rows: csr_matrix) -> NDArray[np.int64]:
        """rows: (B, G) linear -> tokens (B, 1 + longest cell of the batch)."""
        lengths = np.diff(rows.indptr)
        cell = np.repeat(np.arange(rows.shape[0]), lengths)
        # A cell's total is one constant in its row: it does not change the order.
        value = rows.data / self.medians[rows.indices]
        order = np.lexsort((rows.indices, -value, cell))
        rank = np.arange(len(order)) - np.repeat(rows.indptr[:-1], lengths)
        kept = rank < self.max_tokens
        tokens = np.full((rows.shape[0], 1 + int(min(lengths.max(initial=0), self.max_tokens))), PAD, dtype=np.int64)
        tokens[:, 0] = CLS
        tokens[cell[kept], 1 + rank[kept]] = rows.indices[order][kept] + FIRST_GENE
        return tokens

    @staticmethod
    def genes_of(tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        """The input gene that each token stands for; -1: none."""
        return np.where(tokens >= FIRST_GENE, tokens - FIRST_GENE, -1)

    def arrays(self) -> dict[str, Floats]:
        return {"medians": self.medians}

    @staticmethod
    def fit(shares: csr_matrix, max_tokens: int) -> RankInput:
        """Per gene the median of its non-zero shares in the whole reference; 1 for a gene that it never shows."""
        columns = shares.tocsc()
        parts = np.split(columns.data, columns.indptr[1:-1])
        medians = np.array([np.median(part[part > 0]) if (part > 0).any() else 1.0 for part in parts], dtype=np.float32)
        return RankInput(medians, max_tokens)
