from __future__ import annotations

import torch
from torch import nn

from backend.methods.spagene.config import SpageneConfig, card, sizes
from backend.methods.spagene.model import Critic, Networks, Stack


def linear_widths(stack: nn.Module) -> list[tuple[int, int]]:
    return [(layer.in_features, layer.out_features) for layer in stack.modules() if isinstance(layer, nn.Linear)]


def test_the_published_networks_have_the_published_layers() -> None:
    config = SpageneConfig(**card.presets["Paper: NanoString"])
    networks = Networks(390, 2100, config)
    assert linear_widths(networks.encode_tissue) == [(390, 2048), (2048, 1024), (1024, 512), (512, 512)]
    assert linear_widths(networks.decode_reference) == [(2048, 512), (512, 1024), (1024, 2048), (2048, 2100)]
    assert [out for _, out in linear_widths(networks.to_reference)] == [512, 512, 512, 1024, 1024, 2048]
    assert [out for _, out in linear_widths(networks.to_tissue)] == [512, 256, 256, 128, 128, 512]
    assert [out for _, out in linear_widths(networks.judge_reference)] == [256, 128, 128, 64, 1]


def test_widths_follow_the_panel() -> None:
    of_33, of_700 = (sizes(n, SpageneConfig()) for n in (33, 700))
    assert max(of_33.encoder) == 64
    assert max(of_700.encoder) == 512
    assert of_33.latent_tissue < of_700.latent_tissue
    assert sizes(33, SpageneConfig(latent_tissue=20)).latent_tissue == 20


def test_no_norm_layer_under_the_gradient_penalty() -> None:
    """With one, a cell's score depends on the others of its batch, and the slope at one cell means nothing."""
    critic = Critic(6, (8, 4))
    cells = torch.randn(5, 6)
    assert torch.allclose(critic(cells)[:1], critic(cells[:1]), atol=1e-6)
    assert not any(isinstance(layer, nn.BatchNorm1d | nn.Dropout) for layer in critic.modules())


def test_a_latent_ends_in_norm_and_leaky_relu_and_an_expression_does_not() -> None:
    latent, expression = (Stack(5, (4,), 3, 0.2, latent) for latent in (True, False))
    assert isinstance(list(latent)[-1], nn.LeakyReLU)
    assert isinstance(list(expression)[-1], nn.Linear)
    x = torch.randn(7, 5)
    expression.eval()
    assert torch.equal(list(expression)[-1](expression.hidden(x)), expression(x))


def test_frozen_auto_encoders_read_a_cell_alike_in_any_company() -> None:
    networks = Networks(12, 20, SpageneConfig())
    networks.train()
    networks.freeze_autoencoders()
    cells = torch.randn(9, 12)
    assert torch.allclose(networks.encode_tissue(cells)[:2], networks.encode_tissue(cells[:2]), atol=1e-6)
    assert not any(value.requires_grad for value in networks.decode_reference.parameters())
    assert networks.to_reference.training
