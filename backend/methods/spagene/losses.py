"""SpaGene's five losses (Budhkar et al. 2025, "Loss function"; methods.md §2.4). B cells, G genes, L latents.

The paper's sums over the two directions are taken where the losses are called.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

GanMode = Literal["paper", "released"]
MmdKernel = Literal["fixed", "median"]
FIXED_GAMMA = 0.3


def cycle_loss(cycled: Tensor, measured: Tensor) -> Tensor:
    """MSE between expression and what comes back from the other domain. Both (B, G)."""
    return F.mse_loss(cycled, measured)


def identity_loss(translated: Tensor, measured: Tensor) -> Tensor:
    """1 - PCC over the batch, mean of the genes. Both (B, G).

    A gene that does not vary in the batch has no correlation: it counts as 1 and pulls nowhere."""
    a, b = translated - translated.mean(dim=0), measured - measured.mean(dim=0)
    norms = a.square().sum(dim=0).add(1e-10).sqrt() * b.square().sum(dim=0).add(1e-10).sqrt()
    return 1 - ((a * b).sum(dim=0) / norms).mean()


def coral_loss(translated: Tensor, real: Tensor) -> Tensor:
    """Squared Frobenius distance of the two covariances / 4 L^2 (the paper's; released code: / L^2). Both (B, L).

    |A'A - C'C|^2 is the sum of the squared inner products of all rows of A and C, negative between A and C: 2B x 2B
    numbers in place of L x L."""
    rows = torch.cat([translated - translated.mean(dim=0), real - real.mean(dim=0)]) / len(translated) ** 0.5
    sign = torch.ones(len(rows), device=rows.device)
    sign[len(translated) :] = -1
    loss: Tensor = sign @ (rows @ rows.T).square() @ sign / (4 * rows.shape[1] ** 2)
    return loss


def mmd_loss(translated: Tensor, real: Tensor, kernel: MmdKernel) -> Tensor:
    """Biased MMD^2 under exp(-gamma |a - b|^2). Both (B, L).

    "fixed": gamma 0.3, as released: on wide latents every kernel value but the diagonal is nearly 0.
    "median": 1 / gamma is the median squared distance between different cells, so the kernel sees all distances."""
    both = torch.cat([translated, real])
    inner = both @ both.T
    square = inner.diagonal()
    distance = (square[:, None] + square[None, :] - 2 * inner).clamp_min(0)
    gamma = FIXED_GAMMA if kernel == "fixed" else 1 / _median_off_diagonal(distance.detach())
    values, n = torch.exp(-gamma * distance), len(translated)
    return values[:n, :n].mean() + values[n:, n:].mean() - 2 * values[:n, n:].mean()


def adversarial_loss(fake_score: Tensor, mode: GanMode) -> Tensor:
    """The translator's: -E C(fake). Released code: E max(0, 1 - C(fake)) + 2, its hinge against a label of 1."""
    return -fake_score.mean() if mode == "paper" else F.relu(1 - fake_score).mean() + 2


def hinge_loss(real_score: Tensor, fake_score: Tensor, mode: GanMode) -> Tensor:
    """The critic's: E max(0, 1 - C(real)) + E max(0, 1 + C(fake)).

    Released code calls the hinge with (score, label), so real and fake are both pushed up to 1: real adds its label's
    constant max(0, 1 + 1), fake max(0, 1 + 0). Such a critic tells nothing apart (methods.md, trap 6)."""
    real = F.relu(1 - real_score).mean()
    if mode == "paper":
        return real + F.relu(1 + fake_score).mean()
    return real + 2 + F.relu(1 - fake_score).mean() + 1


def gradient_penalty(critic: nn.Module, real: Tensor, fake: Tensor, mix: Tensor) -> Tensor:
    """E (|grad C| - 1)^2 between real and fake (B, L); mix (B, 1) in [0, 1] (Gulrajani et al. 2017)."""
    between = (mix * real + (1 - mix) * fake).requires_grad_(True)
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (slope.square().sum(dim=1).add(1e-12).sqrt() - 1).square().mean()


def _median_off_diagonal(distance: Tensor) -> Tensor:
    rows, columns = torch.triu_indices(len(distance), len(distance), offset=1, device=distance.device)
    return distance[rows, columns].median().clamp_min(1e-6)
