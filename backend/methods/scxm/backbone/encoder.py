"""E with a published backbone: frozen part, trainable last blocks, and a head on <cls> (SCXM §4.3)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from backend.methods.scxm.backbone import blocks
from backend.methods.scxm.backbone.packed import Packed
from backend.methods.scxm.inputs import PAD

if TYPE_CHECKING:
    from transformers import BertModel
    from transformers.models.bert.modeling_bert import BertLayer

# Tokens that go through the blocks at once: enough to keep a processor busy. With gradients a token holds some 50 KB
# per block of V2-104M until the way back, so what is beyond `HELD` is computed a second time instead.
AT_ONCE, HELD = 4096, 16_384


@dataclass(frozen=True)
class States:
    """Cells in ascending length. x: (rows, W) after the frozen blocks; or (B, W), the cells read, where all is frozen
    and `packed` is None."""

    x: Tensor
    packed: Packed | None


class Frozen:
    """The embeddings and first blocks of a BertModel: on a device, but no part of what is trained, copied or saved."""

    def __init__(self, bert: BertModel, n_blocks: int, *, has_cls: bool) -> None:
        self.embeddings = bert.embeddings.requires_grad_(False).eval()
        self.blocks = bert.encoder.layer[:n_blocks].requires_grad_(False).eval()
        self.whole, self.has_cls = n_blocks == len(bert.encoder.layer), has_cls

    def __deepcopy__(self, memo: dict[int, Any]) -> Frozen:
        return self

    def move(self, change: Callable[[Tensor], Tensor]) -> None:
        for part in (self.embeddings, self.blocks):
            part._apply(change)  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def read(self, tokens: Tensor, packed: Packed) -> Tensor:
        """tokens (rows,) -> (rows, W), or (B, W) where all is frozen."""
        parts = []
        for cells, rows in packed.cut(AT_ONCE):
            part = packed.part(cells)
            with precision(tokens.device):
                x = blocks.embed(self.embeddings, tokens[rows], part)
                for block in self.blocks[: -1 if self.whole else None]:
                    x = blocks.whole(cast("BertLayer", block), x, part)
                parts.append(last(self.blocks[-1], x, part, has_cls=self.has_cls) if self.whole else x)
        return torch.cat(parts)


class BackboneEncoder(nn.Module):
    """A cell's tokens -> the backbone -> <cls> (V1: the mean token), standardised -> MLP -> its context."""

    mean: Tensor
    sd: Tensor

    def __init__(self, bert: BertModel, n_panel: int, hidden: int, trainable: int, *, has_cls: bool) -> None:
        super().__init__()
        cut = len(bert.encoder.layer) - trainable
        self.frozen = Frozen(bert, cut, has_cls=has_cls)
        self.blocks = nn.ModuleList(bert.encoder.layer[cut:])
        self.has_cls = has_cls
        width = int(bert.config.hidden_size)
        self.mean, self.sd = nn.Buffer(torch.zeros(width)), nn.Buffer(torch.ones(width))
        # Where all is frozen the head has a layer more, as in the paper.
        between = [] if trainable else [nn.Linear(hidden, hidden), nn.LayerNorm(hidden), nn.GELU()]
        self.head = nn.Sequential(
            *(nn.Linear(width, hidden), nn.LayerNorm(hidden), nn.GELU()), *between, nn.Linear(hidden, n_panel)
        )

    @property
    def kept_as(self) -> torch.dtype:
        """How the states of a prefix are kept: as they are computed (see `precision`)."""
        return torch.bfloat16 if self.mean.is_cuda and not self.frozen.whole else torch.float32

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> BackboneEncoder:
        self.frozen.move(fn)
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def forward(self, cells: Tensor | States) -> Tensor:
        """Tokens (B, T), padded with 0, or states of cells -> (B, P), in the order given."""
        if isinstance(cells, States):
            return torch.sigmoid(self.head(self.scale(self.finish(cells))))
        tokens, packed, order = pack_tokens(cells)
        x = self.frozen.read(tokens, packed)
        read = self.finish(States(x, None if self.frozen.whole else packed))
        return torch.sigmoid(self.head(self.scale(read)))[np.argsort(order)]

    def read(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """tokens (B, T) -> what the head is given (B, W), and how much each token was attended to in the last block
        (B, heads, T)."""
        x, looks = self._look(tokens, from_block=-1)
        return self.scale(x), looks[0]

    def attend(self, tokens: Tensor) -> Tensor:
        """How much each token is attended to, per block and head: by <cls>, or (V1) by all tokens on average.
        (B, T) -> (layers, B, heads, T), zero on padding."""
        return self._look(tokens, from_block=0)[1]

    def scale(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.sd

    @torch.no_grad()
    def fit_scale(self, cells: States) -> None:
        """An untrained backbone's <cls> hardly differs between cells: what differs becomes the head's unit."""
        x = self.finish(cells)
        self.mean.copy_(x.mean(dim=0))
        self.sd.copy_(x.std(dim=0).clamp_min(1e-6))

    def finish(self, cells: States) -> Tensor:
        """The trainable blocks and what is read of the last. (B, W)."""
        if cells.packed is None:
            return cells.x.float()
        learning = torch.is_grad_enabled()
        again = learning and cells.packed.n_rows > HELD
        parts = []
        for cells_of_part, rows in cells.packed.cut(HELD if learning else AT_ONCE):
            given = cells.x[rows], cells.packed.part(cells_of_part)
            parts.append(checkpoint(self._finish, *given, use_reentrant=False) if again else self._finish(*given))
        return torch.cat(parts)

    def _finish(self, x: Tensor, packed: Packed) -> Tensor:
        with precision(x.device):
            for block in self.blocks[:-1]:
                x = blocks.whole(cast("BertLayer", block), x, packed)
            return last(self.blocks[-1], x, packed, has_cls=self.has_cls).float()

    @torch.no_grad()
    def _look(self, tokens: Tensor, from_block: int) -> tuple[Tensor, Tensor]:
        """What is read of each cell (B, W), and the looks in the blocks from there on (layers, B, heads, T)."""
        flat, packed, order = pack_tokens(tokens)
        through = [*self.frozen.blocks, *self.blocks]
        looked_at = through[from_block:]
        read, found = [], []
        for cells, rows in packed.cut(AT_ONCE):
            part, looks = packed.part(cells), []
            x = blocks.embed(self.frozen.embeddings, flat[rows], part)
            for block in through:
                if block in looked_at:
                    weights = blocks.looks(block, x, part, of_first=self.has_cls)
                    looks.append(torch.stack([_padded(one, tokens.shape[1]) for one in weights]))
                x = last(block, x, part, has_cls=self.has_cls) if block is through[-1] else blocks.whole(block, x, part)
            read.append(x)
            found.append(torch.stack(looks))
        back = np.argsort(order)
        return torch.cat(read)[back], torch.cat(found, dim=1)[:, back]


def _padded(weights: Tensor, length: int) -> Tensor:
    return nn.functional.pad(weights, (0, length - weights.shape[-1]))


def last(block: Any, x: Tensor, packed: Packed, *, has_cls: bool) -> Tensor:
    """(rows, W) -> (B, W): <cls> after the block, or the mean of a cell's tokens where there is no <cls>."""
    return (
        blocks.first_only(block, x, packed) if has_cls else blocks.mean_of_cells(blocks.whole(block, x, packed), packed)
    )


def pack_tokens(tokens: Tensor) -> tuple[Tensor, Packed, np.ndarray]:
    """Padded tokens (B, T) -> packed ones (rows,), sorted by length; and that order (B,)."""
    lengths = (tokens != PAD).sum(dim=1).cpu().numpy()
    order = np.argsort(lengths, kind="stable")
    tokens = tokens[torch.from_numpy(order).to(tokens.device)]
    return tokens[tokens != PAD], Packed(lengths[order]), order


def precision(device: torch.device) -> contextlib.AbstractContextManager[Any]:
    """bf16 on a GPU, whose range is that of single precision; on a CPU single precision itself."""
    return torch.autocast("cuda", torch.bfloat16) if device.type == "cuda" else contextlib.nullcontext()
