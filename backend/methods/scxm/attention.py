"""Which genes the summary token <cls> looked at, in encoders that attend.

Beside every prediction: the strongest genes of each cell and, per type, their mean (last block, mean over heads). For
closer looks: each cell read once, with the weights of every layer and head, and predictions from just that reading, so
that a gene can be taken out of it and all else stay as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from backend.methods.contract import Cells, Floats
from backend.methods.scxm.inputs import CLS, FIRST_GENE, PAD
from backend.methods.thinning import Depth, draw_thinned, linear_shares
from backend.training.batches import stream

TOP = 20
BATCH = 64  # cells read at once: the weights of all layers and heads of a batch are in memory together


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


@dataclass(frozen=True)
class Reading:
    """Some cells, each read once. drawn: (n, G), the expression that the encoder saw, at the tissue's depth where the
    model was trained so. cell, gene, rank: one entry per gene read, a cell's together and by rank. weight: (layers,
    heads, entries), what the summary token gave each gene; a cell's weights sum to one per layer and head."""

    drawn: csr_matrix
    cell: NDArray[np.intp]
    gene: NDArray[np.intp]
    rank: NDArray[np.intp]
    weight: NDArray[np.float32]

    def part(self, layer: int | None = None, head: int | None = None) -> NDArray[np.float64]:
        """Per entry the weight of a head, or the mean of a layer's heads; by default of the last layer, the one whose
        summary becomes the prediction."""
        weights = self.weight[-1 if layer is None else layer]
        return np.asarray(weights.mean(axis=0) if head is None else weights[head], dtype=np.float64)


class Attentive(Protocol):
    """What reading needs of a fitted model whose encoder attends."""

    seed: int
    input_genes: tuple[str, ...]
    encoder: Any
    read: Any
    depth: Depth | None


def draw_once(fitted: Attentive, cells: Cells) -> csr_matrix:
    """One draw of the cells, as the encoder sees them: (n, G)."""
    shares = linear_shares(cells.of_genes(fitted.input_genes))
    if fitted.depth is None or cells.coordinates is not None:
        return shares
    drawn = draw_thinned(shares, fitted.depth, stream(fitted.seed, "scxm/attention"))
    drawn.sort_indices()
    return drawn


def reading_of(fitted: Attentive, drawn: csr_matrix, device: str, on_batch: Callable[[int], None]) -> Reading:
    """What the encoder looks at in each row of `drawn`. on_batch hears how many cells are done."""
    parts: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []
    for start, inputs in _batches(fitted, drawn, device):
        genes = fitted.read.genes_of(inputs)  # (B, T)
        weights = fitted.encoder.attend(torch.from_numpy(inputs).to(device)).cpu().numpy()  # (layers, B, heads, T)
        cell, place = np.nonzero(genes >= 0)
        found = np.stack([start + cell, genes[cell, place], _count_up(cell)])
        parts.append((found, np.ascontiguousarray(np.moveaxis(weights[:, cell, :, place], 0, -1))))
        on_batch(start + len(inputs))
    cell, gene, rank = np.concatenate([entries for entries, _ in parts], axis=1)
    weight = np.concatenate([weights for _, weights in parts], axis=-1)
    for head in weight.reshape(-1, len(cell)):
        head /= np.maximum(np.bincount(cell, weights=head, minlength=drawn.shape[0]), 1e-12)[cell]
    return Reading(drawn, cell, gene, rank, weight)


def predict_drawn(fitted: Attentive, drawn: csr_matrix, device: str) -> Floats:
    """The context predicted from each row of `drawn`: (n, P)."""
    batches = (torch.from_numpy(inputs).to(device) for _, inputs in _batches(fitted, drawn, device))
    return np.concatenate([fitted.encoder(tensor).cpu().numpy() for tensor in batches])


def _batches(fitted: Attentive, drawn: csr_matrix, device: str) -> Iterator[tuple[int, NDArray[Any]]]:
    fitted.encoder.to(device).eval()
    with torch.inference_mode():
        for start in range(0, drawn.shape[0], BATCH):
            yield start, fitted.read(drawn[start : start + BATCH])


def _count_up(cell: NDArray[np.intp]) -> NDArray[np.intp]:
    """0, 1, 2, ... within each run of equal numbers (sorted)."""
    return np.arange(len(cell)) - np.searchsorted(cell, cell)
