"""Environs' networks. B cells, G input genes, R components of the context."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Reader(nn.Module):
    """A cell's reading -> the components of its context."""

    def __init__(self, n_genes: int, rank: int, hidden: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_genes, hidden), nn.LayerNorm(hidden), nn.GELU(), nn.Dropout(0.2), nn.Linear(hidden, rank)
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layers(x)  # (B, G) -> (B, R)
        return out


class Critic(nn.Module):
    """Components of a context -> how real they look; no norm layers, as the gradient penalty is per cell."""

    def __init__(self, rank: int, width: int = 128) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Linear(rank, width), nn.LeakyReLU(0.2)),
            *(nn.Linear(width, width), nn.LeakyReLU(0.2)),
            nn.Linear(width, 1),
        )

    def forward(self, z: Tensor) -> Tensor:
        score: Tensor = self.layers(z).squeeze(-1)  # (B,)
        return score


def hide(x: Tensor, share: float, chance: Tensor) -> Tensor:
    """Set the inputs whose `chance` (B, G) is below `share` to their mean, 0, and raise the others in proportion."""
    return x * (chance >= share) / (1.0 - share)


def critic_loss(critic: Critic, real: Tensor, fake: Tensor, mix: Tensor) -> Tensor:
    """WGAN-GP (Gulrajani et al. 2017), penalty 10; mix (B, 1) in [0, 1]."""
    between = (mix * real + (1 - mix) * fake).requires_grad_(True)
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    penalty = (slope.norm(dim=1) - 1).square().mean()
    loss: Tensor = critic(fake).mean() - critic(real).mean() + 10.0 * penalty
    return loss
