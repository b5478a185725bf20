"""Which genes <cls> looked at (transformer encoder): per cell the strongest few, per type their mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from backend.methods.scxm.inputs import CLS, FIRST_GENE, PAD

TOP = 20


def by_gene(weights: NDArray[np.float32], tokens: NDArray[np.int64], n_genes: int) -> csr_matrix:
    """Attention over tokens (B, T) as attention over genes (B, G). What <cls> gives itself is left out, and the rest
    sums to one per cell."""
    real = (tokens != PAD) & (tokens != CLS)
    cell, place = np.nonzero(real)
    seen = weights[cell, place]
    total = np.bincount(cell, weights=seen, minlength=len(tokens))
    values = (seen / np.maximum(total[cell], 1e-12)).astype(np.float32)
    return csr_matrix((values, (cell, tokens[cell, place] - FIRST_GENE)), shape=(len(tokens), n_genes))


def keep_top(attention: csr_matrix, top: int = TOP) -> csr_matrix:
    """The `top` strongest genes of each cell; the others become zero. Ties go to the earlier gene."""
    attention = csr_matrix(attention)
    attention.sort_indices()
    cell = np.repeat(np.arange(attention.shape[0]), np.diff(attention.indptr))
    order = np.lexsort((attention.indices, -attention.data, cell))
    rank = np.arange(len(order)) - np.repeat(attention.indptr[:-1], np.diff(attention.indptr))
    kept = order[rank < top]
    return csr_matrix((attention.data[kept], (cell[kept], attention.indices[kept])), shape=attention.shape)


def attention_table(
    attention: csr_matrix, genes: tuple[str, ...], cells: NDArray[Any], types: NDArray[Any] | None, top: int = TOP
) -> pd.DataFrame:
    """Long table: type, cell, gene, weight. First per type the mean over its cells (cell is ""), then per cell its
    strongest genes; each at most `top` rows, strongest first. `types` None: all cells are one type, "all cells"."""
    labels = (
        np.full(attention.shape[0], "all cells", dtype=object) if types is None else np.asarray(types, dtype=object)
    )
    names = list(dict.fromkeys(labels))
    means = [csr_matrix(attention[np.flatnonzero(labels == name)].mean(axis=0)) for name in names]
    both = keep_top(csr_matrix(vstack([*means, attention])), top)
    row = np.repeat(np.arange(both.shape[0]), np.diff(both.indptr))
    all_types, all_cells = (
        np.array([*names, *labels], dtype=object),
        np.array([*[""] * len(names), *cells], dtype=object),
    )
    table = pd.DataFrame(
        {"type": all_types[row], "cell": all_cells[row], "gene": np.array(genes)[both.indices], "weight": both.data}
    )
    order = np.lexsort((-both.data, row))
    return table.iloc[order].reset_index(drop=True)
