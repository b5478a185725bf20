from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from backend.methods.scxm.backbone import encoder as encoding
from backend.methods.scxm.backbone.encoder import BackboneEncoder, States, pack_tokens
from backend.methods.scxm.geneformer.layout import Version
from tests.methods.scxm.backbone.tiny import plain, sentences, tiny_bert

PANEL, CELLS = 5, 11
SHAPES = [("V2", 0), ("V2", 2), ("V2", 4), ("V1", 0), ("V1", 2)]


def _encoder(version: Version, trainable: int) -> BackboneEncoder:
    torch.manual_seed(1)
    return BackboneEncoder(tiny_bert(version), PANEL, 8, trainable, has_cls=version == "V2")


def _read_plainly(bert: Any, tokens: Tensor, version: Version) -> Tensor:
    """<cls>, or the mean of the tokens, of the whole padded backbone as transformers runs it."""
    out = plain(bert, tokens)
    real = (tokens != 0)[..., None].float()
    return out[:, 0] if version == "V2" else (out * real).sum(dim=1) / real.sum(dim=1)


@pytest.mark.parametrize(("version", "trainable"), SHAPES)
def test_no_trick_changes_what_is_predicted(version: Version, trainable: int) -> None:
    encoder, tokens = _encoder(version, trainable), sentences(CELLS, version=version)
    expected = torch.sigmoid(encoder.head(_read_plainly(tiny_bert(version), tokens, version)))
    assert expected.std(dim=0).min() > 1e-3  # cells differ, so that a mixed-up order would be seen
    assert torch.allclose(encoder(tokens), expected, atol=1e-5)
    cls, looks = encoder.read(tokens)
    assert torch.allclose(torch.sigmoid(encoder.head(cls)), expected, atol=1e-5)
    assert torch.equal(looks, encoder.attend(tokens)[-1])


@pytest.mark.parametrize(("version", "trainable"), [shape for shape in SHAPES if shape[1]])
@pytest.mark.parametrize("held", [10_000, 60])
def test_no_trick_changes_what_is_learnt(
    version: Version, trainable: int, held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a batch does not fit and is computed a second time on the way back."""
    monkeypatch.setattr(encoding, "HELD", held)
    encoder, tokens = _encoder(version, trainable), sentences(CELLS, version=version)
    weight = torch.randn(CELLS, PANEL)
    (encoder(tokens) * weight).sum().backward()
    bert = tiny_bert(version)
    (torch.sigmoid(encoder.head(_read_plainly(bert, tokens, version))) * weight).sum().backward()
    learnt = 0
    for block, other in zip(encoder.blocks, bert.encoder.layer[-trainable:], strict=True):
        for (name, one), (_, same) in zip(block.named_parameters(), other.named_parameters(), strict=True):
            assert one.grad is not None, name
            assert same.grad is not None
            assert torch.allclose(one.grad, same.grad, rtol=1e-3, atol=1e-5), name
            learnt += bool(same.grad.abs().max() > 1e-6)
    assert learnt >= 15 * trainable  # of 16 tensors per block; a bias of the keys cancels out
    assert all(part.grad is None for part in encoder.frozen.embeddings.parameters())


@pytest.mark.parametrize("version", ["V2", "V1"])
def test_attention_is_that_of_transformers(version: Version) -> None:
    tokens, bert = sentences(CELLS, version=version), tiny_bert(version)
    bert.set_attn_implementation("eager")
    seen = bert(tokens, attention_mask=(tokens != 0).long(), output_attentions=True).attentions
    real = (tokens != 0)[:, None, :, None].float()
    asked = [
        one[:, :, 0] if version == "V2" else (one * real).sum(dim=2) / real.sum(dim=2) for one in seen
    ]  # (B, heads, T)
    found = _encoder(version, 2).attend(tokens)
    assert found.shape == (4, CELLS, 4, tokens.shape[1])
    assert torch.allclose(found, torch.stack(asked), atol=1e-5)
    assert torch.all(found.masked_select((tokens == 0)[None, :, None, :]) == 0)


def test_many_small_passes_are_one_large(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, tokens = _encoder("V2", 2), sentences(CELLS)
    whole = encoder(tokens).detach()
    monkeypatch.setattr(encoding, "AT_ONCE", 50)
    with torch.no_grad():
        assert torch.allclose(encoder(tokens), whole, atol=1e-6)


def test_what_is_frozen_is_neither_trained_nor_copied_nor_saved() -> None:
    encoder = _encoder("V2", 1)
    assert {name.split(".")[0] for name in encoder.state_dict()} == {"blocks", "head", "mean", "sd"}
    twin = copy.deepcopy(encoder)
    assert twin.frozen is encoder.frozen
    assert twin.blocks[0] is not encoder.blocks[0]
    frozen = [*encoder.frozen.embeddings.parameters(), *encoder.frozen.blocks.parameters()]
    assert not any(part.requires_grad for part in frozen)
    assert sum(part.numel() for part in frozen) + sum(part.numel() for part in encoder.blocks.parameters()) == sum(
        part.numel() for part in tiny_bert().parameters()
    )
    encoder.to(torch.float64)
    assert frozen[0].dtype == torch.float64


def test_the_heads_unit_is_what_differs_between_cells() -> None:
    encoder = _encoder("V2", 0)
    tokens, packed, _ = pack_tokens(sentences(40))
    states = States(encoder.frozen.read(tokens, packed), None)
    encoder.fit_scale(states)
    scaled = encoder.scale(encoder.finish(states))
    assert torch.allclose(scaled.mean(dim=0), torch.zeros(16), atol=1e-4)
    assert torch.allclose(scaled.std(dim=0), torch.ones(16), atol=1e-3)


def test_the_head_of_a_frozen_backbone_has_a_layer_more() -> None:
    layers = [sum(isinstance(part, nn.Linear) for part in _encoder("V2", blocks).head) for blocks in (0, 1)]
    assert layers == [3, 2]
