"""A backbone of the published shape, only very small, with random weights and a vocabulary of the simulated genes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from transformers import BertModel

from backend.methods.scxm import method
from backend.methods.scxm.backbone.source import Source
from backend.methods.scxm.geneformer.layout import Layout, Version, bert_config
from backend.methods.scxm.geneformer.vocabulary import Vocabulary

FINGERPRINT = "0123456789abcdef"
N_GENES, SPECIAL = 60, {"V1": 2, "V2": 4}


def tiny_layout(version: Version = "V2", width: int = 16) -> Layout:
    return Layout("tiny", "Tiny", version, 4, width, 4, 2 * width, N_GENES + SPECIAL[version], 80, 0, None)


def tiny_bert(version: Version = "V2", spread: float = 0.3, width: int = 16) -> BertModel:
    """spread: of its weights. More than the published .02, so that every part of it matters."""
    torch.manual_seed(0)
    config = bert_config(tiny_layout(version, width), initializer_range=spread)
    bert = BertModel(config, add_pooling_layer=False).eval()
    for name, value in bert.named_parameters():
        if name.endswith("bias") or "LayerNorm" in name:
            value.data.add_(0.1 * torch.randn_like(value))
    return bert


def tiny_vocabulary(version: Version = "V2") -> Vocabulary:
    genes = tuple(f"G{number:03d}" for number in range(N_GENES))
    tokens = np.arange(N_GENES) + SPECIAL[version]
    medians = np.random.default_rng(0).uniform(0.5, 2.0, N_GENES)
    return Vocabulary(version, genes, tokens, medians, {gene: place for place, gene in enumerate(genes)})


def tiny_source(version: Version = "V2", spread: float = 0.3, width: int = 16) -> Source:
    bert, layout = tiny_bert(version, spread, width), tiny_layout(version, width)
    return Source(bert, layout, tiny_vocabulary(version), FINGERPRINT)


def put_here(monkeypatch: pytest.MonkeyPatch, version: Version = "V2", spread: float = 0.3, width: int = 16) -> None:
    """Whichever backbone is asked for, it is this one."""

    def opened(name: str, fingerprint: str | None = None) -> Source:
        assert fingerprint in (None, FINGERPRINT)
        return tiny_source(version, spread, width)

    monkeypatch.setattr(method, "open_source", opened)


def sentences(n_cells: int, seed: int = 0, version: Version = "V2", longest: int = 40) -> torch.Tensor:
    """(B, T) padded tokens of cells of very different lengths, in no order."""
    random = np.random.default_rng(seed)
    lengths = random.integers(3, longest + 1, n_cells)
    tokens = np.zeros((n_cells, lengths.max()), dtype=np.int64)
    for cell, length in enumerate(lengths):
        tokens[cell, :length] = random.choice(np.arange(SPECIAL[version], SPECIAL[version] + N_GENES), length, False)
        if version == "V2":
            tokens[cell, 0], tokens[cell, length - 1] = 2, 3
    return torch.from_numpy(tokens)


def plain(bert: BertModel, tokens: torch.Tensor) -> Any:
    """What transformers itself makes of padded tokens: (B, T, W)."""
    return bert(tokens, attention_mask=(tokens != 0).long()).last_hidden_state
