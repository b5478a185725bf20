"""What the frozen part makes of each pooled draw, computed once and kept as far as the memory budget reaches."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.methods.scxm.backbone.encoder import AT_ONCE, BackboneEncoder, States
from backend.methods.scxm.backbone.packed import Packed
from backend.methods.scxm.backbone.pool import Pool

PART = 8 * AT_ONCE  # tokens of one step of filling


class Memory:
    """Filled part by part, the shortest draws first: a part is always the same draws, so that a resumed training finds
    the same bits. Where all is frozen only what is read of a cell is kept, and the budget does not matter."""

    def __init__(self, encoder: BackboneEncoder, pool: Pool, budget_gb: float) -> None:
        self.encoder, self.pool = encoder, pool
        self.order = np.argsort(pool.tokens.lengths, kind="stable")
        self._packed = Packed(pool.tokens.lengths[self.order])
        parts = list(self._packed.cut(PART))
        width = len(encoder.mean)
        if not encoder.frozen.whole:
            parts = [part for part in parts if part[1].stop * width * encoder.kept_as.itemsize <= budget_gb * 1e9]
        self.parts = parts
        self._at = np.full(pool.n_members, -1, dtype=np.int64)  # a member's first row in `_held`
        rows = 0 if not parts else parts[-1][0].stop if encoder.frozen.whole else parts[-1][1].stop
        self._held = torch.empty(rows, width, dtype=encoder.kept_as, device=encoder.mean.device)

    @property
    def share(self) -> float:
        """Which share of all tokens needs no second reading."""
        return self.parts[-1][1].stop / self._packed.n_rows if self.parts else 0.0

    def fill(self, part: int) -> None:
        cells, _ = self.parts[part]
        self.put(part, self._read(self.order[cells], self._packed.part(cells)))

    def put(self, part: int, x: Tensor) -> None:
        cells, rows = self.parts[part]
        whole = self.encoder.frozen.whole
        place = cells if whole else rows
        self._held[place] = x.to(self._held.dtype)
        self._at[self.order[cells]] = np.arange(cells.start, cells.stop) if whole else self._packed.starts[cells]

    def batch(self, rows: NDArray[np.int64], random: np.random.Generator) -> tuple[States, Tensor]:
        """A random draw of each reference cell: its states, and the same draw's binary panel (B, P)."""
        members = self.pool.members(rows, random)
        own = torch.from_numpy(self.pool.own[members].toarray())
        return self.of(members), own.to(self._held.device)

    def of(self, members: NDArray[np.int64]) -> States:
        """States of members that are sorted by length, as `Pool.members` gives them."""
        at = self._at[members]
        if self.encoder.frozen.whole:
            return States(self._held[torch.from_numpy(at)], None)
        packed = Packed(self.pool.tokens.lengths[members])
        anew = members[at < 0]
        x = self._read(anew, Packed(self.pool.tokens.lengths[anew])) if len(anew) else self._held[:0]
        fresh = iter(torch.split(x, self.pool.tokens.lengths[anew].tolist()))
        cells = [
            self._held[first : first + length] if first >= 0 else next(fresh).to(self._held.dtype)
            for first, length in zip(at, packed.lengths, strict=True)
        ]
        return States(torch.cat(cells), packed)

    def _read(self, members: NDArray[np.int64], packed: Packed) -> Tensor:
        tokens = np.concatenate([self.pool.tokens.sentence(member) for member in members])
        return self.encoder.frozen.read(torch.from_numpy(tokens.astype(np.int64)).to(self._held.device), packed)

    def tensors(self, filled: int) -> dict[str, Tensor]:
        """For a checkpoint: small where all is frozen; activations of a prefix are computed again instead."""
        if not (self.encoder.frozen.whole and filled):
            return {}
        return {"memory/held": self._held[: self.parts[filled - 1][0].stop]}

    def restore(self, filled: int, tensors: dict[str, Tensor]) -> None:
        for part in range(filled):
            if "memory/held" in tensors:
                self.put(part, tensors["memory/held"][self.parts[part][0]])
            else:
                self.fill(part)
