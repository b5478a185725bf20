"""The published sizes, against transformers' own BertForMaskedLM on the meta device, which needs no memory."""

from __future__ import annotations

import json
from math import prod

import pytest
import torch

from backend.methods.scxm.geneformer.layout import LAYOUTS, Layout, bert_config, count_parameters, published_tensors


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=lambda layout: layout.name)
def test_counts_and_names_are_those_of_the_published_model(layout: Layout) -> None:
    from transformers import BertForMaskedLM

    with torch.device("meta"):
        model = BertForMaskedLM(bert_config(layout))
    assert sum(part.numel() for part in model.parameters()) == layout.parameters == count_parameters(layout)
    assert {name: tuple(part.shape) for name, part in model.named_parameters()} == published_tensors(layout)
    assert model.cls.predictions.decoder.weight is model.bert.embeddings.word_embeddings.weight  # tied


def test_the_published_file_of_104m_has_the_size_that_these_names_and_shapes_give() -> None:
    """417,571,156 bytes: names and shapes stand in the file's head, so its size would tell of any other."""
    shapes = published_tensors(LAYOUTS["geneformer-v2-104m"])
    head, end = {}, 0
    for name, shape in sorted(shapes.items()):
        start, end = end, end + 4 * prod(shape)
        head[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps({"__metadata__": {"format": "pt"}, **head}, separators=(",", ":"))
    padded = -(-len(text) // 8) * 8
    assert 8 + padded + end == 417_571_156


def test_a_downloaded_setting_goes_before_the_published_one() -> None:
    layout = LAYOUTS["geneformer-v1-10m"]
    assert bert_config(layout).hidden_act == "relu"
    mixed = bert_config(layout, hidden_act="gelu", hidden_size=7)
    assert (mixed.hidden_act, mixed.hidden_size) == ("gelu", 256)
