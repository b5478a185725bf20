"""The published sizes of Geneformer (Theodoris et al., Nature 2023; Chen et al., bioRxiv 2024), and the tensors that a
published file of weights holds (docs/methods.md). Importing this costs nothing: no torch, no transformers."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from transformers import BertConfig

Version = Literal["V1", "V2"]
Shapes = dict[str, tuple[int, ...]]

REPOSITORY = "ctheodoris/Geneformer"
ENCODER = "bert."


@dataclass(frozen=True)
class Layout:
    """heads and layers count; hidden and ffn are widths; vocab counts tokens, special ones too; max_len counts the
    tokens of a cell, special ones too. has_cls: a cell begins with <cls> and ends with <eos>. parameters: of
    BertForMaskedLM, whose head shares the token table. folder: in the published repository. dictionaries: the
    fingerprint of its genes, tokens and medians (see dictionaries.py); None: any."""

    name: str
    folder: str
    version: Version
    layers: int
    hidden: int
    heads: int
    ffn: int
    vocab: int
    max_len: int
    parameters: int
    dictionaries: str | None

    @property
    def has_cls(self) -> bool:
        return self.version == "V2"

    @property
    def settings(self) -> dict[str, Any]:
        """All of the published `config.json` that decides what the model computes."""
        dropout = 0.02 if self.version == "V1" else 0.1
        return {
            "num_hidden_layers": self.layers,
            "hidden_size": self.hidden,
            "num_attention_heads": self.heads,
            "intermediate_size": self.ffn,
            "vocab_size": self.vocab,
            "max_position_embeddings": self.max_len,
            "hidden_act": "relu",
            "hidden_dropout_prob": dropout,
            "attention_probs_dropout_prob": dropout,
            "initializer_range": 0.02,
            "layer_norm_eps": 1e-12,
            "pad_token_id": 0,
            "type_vocab_size": 2,
        }


_GENES_V1, _GENES_V2 = "d344826195133a8e", "3c6918c889d9c095"
_PUBLISHED = (
    Layout("geneformer-v1-10m", "Geneformer-V1-10M", "V1", 6, 256, 4, 512, 25_426, 2048, 10_288_722, _GENES_V1),
    Layout("geneformer-v2-104m", "Geneformer-V2-104M", "V2", 12, 768, 12, 3072, 20_275, 4096, 104_386_867, _GENES_V2),
    Layout("geneformer-v2-316m", "Geneformer-V2-316M", "V2", 18, 1152, 18, 4608, 20_275, 4096, 316_354_867, _GENES_V2),
)
LAYOUTS = {layout.name: layout for layout in _PUBLISHED}


def bert_config(layout: Layout, **others: Any) -> BertConfig:
    """The published settings, but for `others`."""
    from transformers import BertConfig

    return BertConfig(**{**layout.settings, **others})


def published_tensors(layout: Layout) -> Shapes:
    """Name -> shape of every tensor in a published `model.safetensors`: BertForMaskedLM without pooler. The head's last
    weight is the token table itself and is not stored again."""
    d, f = layout.hidden, layout.ffn
    shapes: Shapes = {
        "bert.embeddings.word_embeddings.weight": (layout.vocab, d),
        "bert.embeddings.position_embeddings.weight": (layout.max_len, d),
        "bert.embeddings.token_type_embeddings.weight": (2, d),
        **_norm("bert.embeddings.LayerNorm", d),
    }
    for number in range(layout.layers):
        block = f"bert.encoder.layer.{number}"
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            shapes |= _linear(f"{block}.attention.{part}", d, d)
        shapes |= _norm(f"{block}.attention.output.LayerNorm", d)
        shapes |= _linear(f"{block}.intermediate.dense", d, f)
        shapes |= _linear(f"{block}.output.dense", f, d)
        shapes |= _norm(f"{block}.output.LayerNorm", d)
    shapes["cls.predictions.bias"] = (layout.vocab,)
    shapes |= _linear("cls.predictions.transform.dense", d, d)
    shapes |= _norm("cls.predictions.transform.LayerNorm", d)
    return shapes


def explained_extras(layout: Layout) -> Shapes:
    """What a file may hold besides: the positions 0, 1, 2, ..., as the published V1 does, and the shared table and its
    bias under the names of the head. Nothing is learnt in them."""
    return {
        "bert.embeddings.position_ids": (1, layout.max_len),
        "cls.predictions.decoder.weight": (layout.vocab, layout.hidden),
        "cls.predictions.decoder.bias": (layout.vocab,),
    }


def count_parameters(layout: Layout) -> int:
    return sum(prod(shape) for shape in published_tensors(layout).values())


def _linear(name: str, inputs: int, outputs: int) -> Shapes:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}
