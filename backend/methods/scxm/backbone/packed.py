"""Cells of different lengths one behind the other, without padding: linear layers see tokens only, and attention looks
at each cell by itself.

`Packed` says which rows of such a tensor (tokens of all cells, width) belong to which cell. Cells come sorted by
length, so that those of one length, or of nearly one, can be attended to in one call.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

# On a GPU a call costs more than some padded keys: cells up to a quarter shorter than the longest share one.
SLACK = {"cpu": 0.0, "cuda": 0.25}


@dataclass(frozen=True)
class Group:
    """Neighbouring cells of a batch and their rows in the packed tensor. lengths: ascending."""

    cells: slice
    rows: slice
    lengths: NDArray[np.int64]

    @property
    def longest(self) -> int:
        return int(self.lengths[-1])

    @property
    def even(self) -> bool:
        return bool(self.lengths[0] == self.lengths[-1])

    def real(self, device: torch.device) -> Tensor:
        """(cells, longest): where there is a token."""
        return torch.from_numpy(np.arange(self.longest) < self.lengths[:, None]).to(device)


@dataclass(frozen=True)
class Packed:
    """lengths: (B,) tokens of each cell, ascending, at least one each."""

    lengths: NDArray[np.int64]

    @property
    def n_rows(self) -> int:
        return int(self.lengths.sum())

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """(B,): each cell's first row, that of <cls>."""
        return np.concatenate([[0], np.cumsum(self.lengths)[:-1]]).astype(np.int64)

    @cached_property
    def positions(self) -> NDArray[np.int64]:
        """(rows,): each token's place in its cell."""
        return np.arange(self.n_rows) - np.repeat(self.starts, self.lengths)

    def groups(self, slack: float = 0.0) -> Iterator[Group]:
        """Neighbours whose shortest has at least (1 - slack) of the longest's tokens. slack 0: equal lengths only."""
        first, ends = 0, np.append(self.starts, self.n_rows)
        while first < len(self.lengths):
            last = int(np.searchsorted(self.lengths, int(self.lengths[first] / (1 - slack)), side="right"))
            yield Group(slice(first, last), slice(int(ends[first]), int(ends[last])), self.lengths[first:last])
            first = last

    def cut(self, limit: int) -> Iterator[tuple[slice, slice]]:
        """Runs of cells with at most `limit` tokens each (a longer cell is a run of its own), and their rows."""
        first, ends = 0, np.append(self.starts, self.n_rows)
        while first < len(self.lengths):
            last = int(np.searchsorted(ends, ends[first] + limit, side="right")) - 1
            last = max(last, first + 1)
            yield slice(first, last), slice(int(ends[first]), int(ends[last]))
            first = last

    def part(self, cells: slice) -> Packed:
        return Packed(self.lengths[cells])


def attention(q: Tensor, k: Tensor, v: Tensor, packed: Packed, heads: int) -> Tensor:
    """Every token asks those of its own cell. (rows, W) each -> (rows, W)."""
    parts = []
    for group in packed.groups(SLACK[q.device.type]):
        asked, key, value = (unpack(x[group.rows], group, heads) for x in (q, k, v))
        seen = None if group.even else group.real(q.device)[:, None, None, :]
        parts.append(pack(F.scaled_dot_product_attention(asked, key, value, attn_mask=seen), group))
    return torch.cat(parts)


def attention_of_first(q: Tensor, k: Tensor, v: Tensor, packed: Packed, heads: int) -> Tensor:
    """One query per cell: q (B, W), k and v (rows, W) -> (B, W)."""
    parts = []
    for group in packed.groups(SLACK[q.device.type]):
        key, value = (unpack(x[group.rows], group, heads) for x in (k, v))
        asked = unpack(q[group.cells], Group(group.cells, group.cells, np.ones_like(group.lengths)), heads)
        seen = None if group.even else group.real(q.device)[:, None, None, :]
        parts.append(F.scaled_dot_product_attention(asked, key, value, attn_mask=seen).flatten(1))
    return torch.cat(parts)


def unpack(x: Tensor, group: Group, heads: int) -> Tensor:
    """(rows, W) -> (cells, heads, longest, W / heads), zeros behind a shorter cell's end."""
    n, width = len(group.lengths), x.shape[-1]
    padded = x
    if not group.even:
        empty = x.new_zeros(n, group.longest, width)
        padded = empty.masked_scatter(group.real(x.device)[..., None], x)
    return padded.reshape(n, group.longest, heads, width // heads).transpose(1, 2)


def pack(mixed: Tensor, group: Group) -> Tensor:
    """Inverse of `unpack`."""
    padded = mixed.transpose(1, 2).flatten(2)  # (cells, longest, W)
    out: Tensor = padded.flatten(0, 1) if group.even else padded[group.real(mixed.device)]
    return out
