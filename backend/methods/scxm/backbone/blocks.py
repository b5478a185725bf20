"""BERT's embeddings and blocks over packed cells: the weights of `transformers.BertModel`, its results within rounding.

Dropout is never applied: half of it would fall away with what is frozen, and cached parts must not change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from backend.methods.scxm.backbone.linear import linear
from backend.methods.scxm.backbone.packed import Packed, attention, attention_of_first

if TYPE_CHECKING:
    from transformers.models.bert.modeling_bert import BertEmbeddings, BertLayer


def embed(embeddings: BertEmbeddings, tokens: Tensor, packed: Packed) -> Tensor:
    """(rows,) -> (rows, W): gene + rank + the one segment there is."""
    places = torch.from_numpy(packed.positions).to(tokens.device)
    kinds = embeddings.token_type_embeddings.weight[0]
    x = embeddings.word_embeddings(tokens) + kinds + embeddings.position_embeddings(places)
    out: Tensor = embeddings.LayerNorm(x)
    return out


def whole(block: BertLayer, x: Tensor, packed: Packed) -> Tensor:
    """One block on every token. (rows, W) -> (rows, W)."""
    own = block.attention.self
    q, k, v = (_linear(part, x) for part in (own.query, own.key, own.value))
    return _after(block, x, attention(q, k, v, packed, own.num_attention_heads))


def first_only(block: BertLayer, x: Tensor, packed: Packed) -> Tensor:
    """The same for each cell's first token alone, all that is read of the last block. (rows, W) -> (B, W)."""
    own = block.attention.self
    first = x[_firsts(packed, x.device)]
    k, v = (_linear(part, x) for part in (own.key, own.value))
    return _after(block, first, attention_of_first(_linear(own.query, first), k, v, packed, own.num_attention_heads))


def mean_of_cells(x: Tensor, packed: Packed) -> Tensor:
    """(rows, W) -> (B, W)."""
    return torch.stack([cell.mean(dim=0) for cell in torch.split(x, packed.lengths.tolist())])


@torch.no_grad()
def looks(block: BertLayer, x: Tensor, packed: Packed, *, of_first: bool) -> list[Tensor]:
    """How much each token of a cell is attended to: by its first, or by all of them on average. B x (heads, T)."""
    own = block.attention.self
    k = torch.split(_linear(own.key, x), packed.lengths.tolist())
    asking, per_cell = (x[_firsts(packed, x.device)], 1) if of_first else (x, packed.lengths.tolist())
    q = torch.split(_linear(own.query, asking), per_cell)
    found = []
    for asked, key in zip(q, k, strict=True):  # cell by cell: T x T per head
        heads = own.num_attention_heads
        asked, key = (part.reshape(len(part), heads, -1).transpose(0, 1) for part in (asked, key))
        found.append((asked @ key.transpose(-1, -2) * own.scaling).softmax(dim=-1).mean(dim=-2))
    return found


def _after(block: BertLayer, x: Tensor, mixed: Tensor) -> Tensor:
    """What follows attention: projection, feed-forward, each added and normalised."""
    x = block.attention.output.LayerNorm(x + _linear(block.attention.output.dense, mixed))
    wide = linear(x, block.intermediate.dense.weight, block.intermediate.dense.bias, relu=True)
    out: Tensor = block.output.LayerNorm(x + _linear(block.output.dense, wide))
    return out


def _firsts(packed: Packed, device: torch.device) -> Tensor:
    return torch.from_numpy(packed.starts).to(device)


def _linear(layer: nn.Linear, x: Tensor) -> Tensor:
    return linear(x, layer.weight, layer.bias)
