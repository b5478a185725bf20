"""Every loss against a number worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from backend.methods.spagene import losses
from backend.methods.spagene.model import Critic


def test_cycle_is_the_mean_squared_error() -> None:
    assert losses.cycle_loss(torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 4.0]])).item() == pytest.approx(2.5)


def test_identity_is_one_minus_correlation_over_the_batch() -> None:
    measured = torch.tensor([[0.0, 1.0, 1.0], [1.0, 2.0, 0.0], [2.0, 3.0, 0.0]])
    translated = torch.tensor([[10.0, 3.0, 1.0], [20.0, 2.0, 1.0], [30.0, 1.0, 0.0]])
    # r = 1, -1 and (1/3) / sqrt(2/3 * 2/3) = 0.5
    assert losses.identity_loss(translated, measured).item() == pytest.approx(1 - 0.5 / 3, abs=1e-5)


def test_a_constant_gene_has_no_correlation_and_no_pull() -> None:
    translated = torch.tensor([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]], requires_grad=True)
    measured = torch.tensor([[1.0, 1.0], [2.0, 0.0], [3.0, 1.0]])
    loss = losses.identity_loss(translated, measured)
    assert loss.item() == pytest.approx(0.5, abs=1e-4)
    assert losses.identity_loss(translated, torch.zeros(3, 2)).item() == pytest.approx(1.0)
    torch.autograd.backward(loss)
    assert translated.grad is not None
    assert torch.isfinite(translated.grad).all()


def test_coral_compares_covariances() -> None:
    # Covariances (by B) [[1, 1], [1, 1]] and [[4, 0], [0, 0]]: squares 9 + 1 + 1 + 1 = 12, over 4 * 2^2.
    one, two = torch.tensor([[1.0, 1.0], [-1.0, -1.0]]), torch.tensor([[2.0, 7.0], [-2.0, 7.0]])
    assert losses.coral_loss(one, two).item() == pytest.approx(12 / 16)


def test_mmd_by_hand() -> None:
    zero, one = torch.zeros(1, 1), torch.ones(1, 1)
    assert losses.mmd_loss(zero, one, "fixed").item() == pytest.approx(2 - 2 * math.exp(-0.3), abs=1e-6)
    # The only distance between different cells is 1, and so is its median.
    assert losses.mmd_loss(zero, one, "median").item() == pytest.approx(2 - 2 * math.exp(-1), abs=1e-6)
    # k(0, 2) = k(2, 0) = exp(-1.2), k = exp(-0.3) from 1 to both: (2 + 2e^-1.2) / 4 + 1 - 2e^-0.3
    two = torch.tensor([[0.0], [2.0]])
    expected = (2 + 2 * math.exp(-1.2)) / 4 + 1 - 2 * math.exp(-0.3)
    assert losses.mmd_loss(two, one, "fixed").item() == pytest.approx(expected, abs=1e-6)


def test_on_wide_latents_only_the_median_kernel_pulls() -> None:
    """Trap: exp(-0.3 d^2) of 512 latents is 0 but on the diagonal."""
    real = torch.randn(32, 512, generator=torch.Generator().manual_seed(0))
    for kernel, pulls in (("fixed", False), ("median", True)):
        moved = (real.roll(1, dims=0) + 1.0).requires_grad_(True)
        torch.autograd.backward(losses.mmd_loss(moved, real, kernel))
        assert moved.grad is not None
        assert (moved.grad.abs().sum() > 1e-3).item() == pulls


def test_hinge_and_adversary_by_hand() -> None:
    real, fake = torch.tensor([2.0, 0.0]), torch.tensor([-2.0, 1.0])
    assert losses.hinge_loss(real, fake, "paper").item() == pytest.approx(0.5 + 1.0)
    assert losses.hinge_loss(real, fake, "released").item() == pytest.approx(0.5 + 2 + 1.5 + 1)
    assert losses.adversarial_loss(fake, "paper").item() == pytest.approx(0.5)
    assert losses.adversarial_loss(fake, "released").item() == pytest.approx(1.5 + 2)


def test_gradient_penalty_of_a_plane() -> None:
    plane = nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        plane.weight.copy_(torch.tensor([[3.0, 4.0]]))
    found = losses.gradient_penalty(plane, torch.ones(3, 2), torch.zeros(3, 2), torch.full((3, 1), 0.5))
    assert found.item() == pytest.approx(16.0, rel=1e-5)


@pytest.mark.parametrize("mode", ["paper", "released"])
def test_the_papers_hinge_moves_real_up_and_fake_down_and_the_released_one_does_not(mode: losses.GanMode) -> None:
    torch.manual_seed(0)
    critic = Critic(4, (16,))
    real, fake = torch.randn(64, 4) + 1, torch.randn(64, 4) - 1
    optimiser = torch.optim.Adam(critic.parameters(), lr=1e-2)
    for _ in range(200):
        optimiser.zero_grad()
        torch.autograd.backward(losses.hinge_loss(critic(real), critic(fake), mode))
        optimiser.step()
    up, down = critic(real).mean().item(), critic(fake).mean().item()
    assert up > 0.9
    assert (down < -0.9) if mode == "paper" else (down > 0.9)
