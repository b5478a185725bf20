"""CASPER's networks (section 2.3 and 2.4; methods.md §1.3), and the one that reads the centroids themselves (§1.6)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from backend.methods.casper.config import CasperConfig

START_SHARPNESS = 10.0
START_LEARNT = 0.1


def encoder(n_in: int, config: CasperConfig) -> nn.Sequential:
    """f or h: two layers with GELU and dropout between."""
    return nn.Sequential(
        nn.Linear(n_in, config.hidden),
        nn.GELU(),
        nn.Dropout(config.dropout),
        nn.Linear(config.hidden, config.width),
    )


class Logits(nn.Module):
    """Scaled dot products of projected cells and centroids, per head."""

    def __init__(self, config: CasperConfig) -> None:
        super().__init__()
        self.heads, self.size = config.heads, config.width // config.heads
        self.query, self.key = nn.Linear(config.width, config.width), nn.Linear(config.width, config.width)

    def forward(self, cells: Tensor, centroids: Tensor) -> Tensor:
        """(B, d), (K, d) -> (heads, B, K)."""
        query = self.query(cells).view(len(cells), self.heads, self.size).transpose(0, 1)
        key = self.key(centroids).view(len(centroids), self.heads, self.size).transpose(0, 1)
        dots: Tensor = query @ key.transpose(1, 2) / math.sqrt(self.size)
        return dots


class RegionNetwork(nn.Module):
    """The paper's network: embedded cells attend to embedded centroids; residual, layer norm, a linear head.

    The centroids are embedded once per batch, not once per cell of it."""

    def __init__(self, n_inputs: int, n_read: int, n_goals: int, config: CasperConfig) -> None:
        super().__init__()
        self.cells, self.centroids = encoder(n_inputs, config), encoder(n_read, config)
        self.logits = Logits(config)
        self.value, self.out = nn.Linear(config.width, config.width), nn.Linear(config.width, config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.norm, self.head = nn.LayerNorm(config.width), nn.Linear(config.width, n_goals)

    def forward(self, inputs: Tensor, read: Tensor) -> tuple[Tensor, Tensor]:
        """(B, inputs), (K, read) -> goals (B, goals), weights averaged over heads (B, K)."""
        cells, centroids = self.cells(inputs), self.centroids(read)
        weights = self.logits(cells, centroids).softmax(dim=-1)  # (H, B, K)
        value = self.value(centroids).view(len(read), self.logits.heads, self.logits.size).transpose(0, 1)
        attended = (self.dropout(weights) @ value).transpose(0, 1).reshape(len(inputs), -1)
        hidden = self.norm(cells + self.dropout(self.out(attended)))
        return self.head(hidden), weights.mean(dim=0)


class GeneNetwork(nn.Module):
    """Attention alone: a gene is what the centroids express of it, weighed. So any gene of the reference can be read.

    The weights start from the likeness of cell and centroid over the genes shown; the encoders learn what to add."""

    def __init__(self, n_inputs: int, config: CasperConfig) -> None:
        super().__init__()
        self.cells, self.centroids = encoder(n_inputs, config), encoder(n_inputs, config)
        self.logits = Logits(config)
        self.sharpness = nn.Parameter(torch.full((config.heads, 1, 1), math.log(START_SHARPNESS)))
        self.learnt = nn.Parameter(torch.full((config.heads, 1, 1), START_LEARNT))

    def forward(self, inputs: Tensor, centroids: Tensor, shown: Tensor) -> Tensor:
        """(B, G) and (K, G), z-scores; shown: G, 1 or 0 -> weights averaged over heads (B, K)."""
        likeness = functional.normalize(inputs * shown, dim=1) @ functional.normalize(centroids * shown, dim=1).T
        learnt = self.logits(self.cells(inputs * shown), self.centroids(centroids))
        weights: Tensor = (self.sharpness.exp() * likeness + self.learnt * learnt).softmax(dim=-1)
        return weights.mean(dim=0)
