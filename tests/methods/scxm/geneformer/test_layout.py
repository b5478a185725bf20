"""The published sizes, against transformers' own BertForMaskedLM on the meta device, which needs no memory."""

from __future__ import annotations

import hashlib
import json
from math import prod

import pytest
import torch

from backend.methods.scxm.geneformer.layout import (
    LAYOUTS,
    Layout,
    bert_config,
    count_parameters,
    explained_extras,
    published_tensors,
)
from tests.methods.scxm.geneformer.published import config_text


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=lambda layout: layout.name)
def test_counts_and_names_are_those_of_the_published_model(layout: Layout) -> None:
    from transformers import BertForMaskedLM

    with torch.device("meta"):
        model = BertForMaskedLM(bert_config(layout))
    assert sum(part.numel() for part in model.parameters()) == layout.parameters == count_parameters(layout)
    assert {name: tuple(part.shape) for name, part in model.named_parameters()} == published_tensors(layout)
    assert model.cls.predictions.decoder.weight is model.bert.embeddings.word_embeddings.weight  # tied


@pytest.mark.parametrize(
    ("name", "n_bytes"),
    [
        ("geneformer-v1-10m", 41_183_536),
        ("geneformer-v2-104m", 417_571_156),
        ("geneformer-v2-316m", 1_265_455_076),
    ],
)
def test_the_published_files_have_the_sizes_that_these_names_and_shapes_give(name: str, n_bytes: int) -> None:
    """Names and shapes stand in a file's head, so its size would tell of any other. V1 holds its positions too."""
    layout = LAYOUTS[name]
    tensors = {tensor: ("F32", shape) for tensor, shape in sorted(published_tensors(layout).items())}
    if layout.version == "V1":
        positions = "bert.embeddings.position_ids"
        tensors = {positions: ("I64", explained_extras(layout)[positions]), **tensors}
    head, end = {}, 0
    for tensor, (kind, shape) in tensors.items():
        start, end = end, end + {"I64": 8, "F32": 4}[kind] * prod(shape)
        head[tensor] = {"dtype": kind, "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps({"__metadata__": {"format": "pt"}, **head}, separators=(",", ":"))
    assert 8 + -(-len(text) // 8) * 8 + end == n_bytes


@pytest.mark.parametrize(
    ("name", "sha256"),
    [
        ("geneformer-v1-10m", "9cf69ca3bdb0215c4188b54c451b6f02adfe68b8f66011a57d0f32845133fd4b"),
        ("geneformer-v2-316m", "2cc4af3442644e84af71814a607b61c958d7b4e5ebde6791ab77b5f534ac6f6e"),
    ],
)
def test_the_settings_are_the_published_ones_to_the_letter(name: str, sha256: str) -> None:
    assert hashlib.sha256(config_text(LAYOUTS[name]).encode()).hexdigest() == sha256


def test_the_settings_of_104m_have_the_published_length() -> None:
    assert len(config_text(LAYOUTS["geneformer-v2-104m"])) == 590
