"""stDiff (Li et al., Briefings in Bioinformatics 2024), from its facts (methods.md §5).

A diffusion model of reference cells over the shared genes of a fold. Its network is a transformer over the cells of a
batch, told the step and the cell's known genes; it is taught to remove the noise of the genes to impute. A tissue cell
starts from noise, and at every step its known genes are put back.

On a processor the published length (900 epochs, 1,500 steps) would take days: `epochs` says how many are done, and the
steps are the published ones, sampled at `SAMPLED` of them (a DDIM path without noise).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor, nn

from backend.datasets.expression import linear
from backend.methods.contract import Floats
from backend.methods.imputation import FoldView, Imputed
from backend.training.batches import Shuffle, stream
from backend.training.device import repeatable

DEPTH, HEADS, RATE = 6, 16, 1.6e-4
STEPS, SAMPLED, EPOCHS = 1500, 50, 900
AUGMENT = 10.0  # a second copy of each reference cell, with this added to every count
FEW_GENES, NARROW, WIDE, LARGE_BATCH = 512, 512, 1024, 2048


@dataclass(frozen=True)
class Cosine:
    """Share of signal left after each step (Nichol and Dhariwal 2021)."""

    left: Tensor

    @staticmethod
    def of(steps: int) -> Cosine:
        at = torch.arange(steps + 1) / steps
        curve = torch.cos((at + 0.008) / 1.008 * math.pi / 2).square()
        return Cosine((curve[1:] / curve[0]).clamp(1e-5, 1.0))

    def noisy(self, clean: Tensor, noise: Tensor, step: Tensor) -> Tensor:
        left = self.left[step][:, None]
        return left.sqrt() * clean + (1 - left).sqrt() * noise


class Block(nn.Module):
    """Attention across the cells of a batch, then a perceptron; scale, shift and gate come from the condition."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width, elementwise_affine=False) for _ in range(2))
        self.attention = nn.MultiheadAttention(width, HEADS, batch_first=True)
        self.perceptron = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.condition = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))
        nn.init.zeros_(self.condition[1].weight)
        nn.init.zeros_(self.condition[1].bias)

    def forward(self, cells: Tensor, told: Tensor) -> Tensor:
        """cells, told: B x width."""
        shift, scale, gate, shift2, scale2, gate2 = self.condition(told).chunk(6, dim=-1)
        read = (self.norms[0](cells) * (1 + scale) + shift)[None]
        cells = cells + gate * self.attention(read, read, read, need_weights=False)[0][0]
        return cells + gate2 * self.perceptron(self.norms[1](cells) * (1 + scale2) + shift2)


class Denoiser(nn.Module):
    def __init__(self, genes: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.read, self.read_known = nn.Linear(genes, width), nn.Linear(genes, width)
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.blocks = nn.ModuleList(Block(width) for _ in range(DEPTH))
        self.write = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, genes))

    def forward(self, noisy: Tensor, step: Tensor, known: Tensor) -> Tensor:
        """noisy, known: B x genes; step: B. The noise that was added, B x genes."""
        waves = torch.exp(-math.log(10_000) * torch.arange(self.width // 2) / (self.width // 2))
        angles = step[:, None] * waves
        told = self.time(torch.cat([angles.cos(), angles.sin()], dim=1)) + self.read_known(known)
        cells = self.read(noisy)
        for block in self.blocks:
            cells = block(cells, told)
        return self.write(cells)


def impute(view: FoldView, seed: int, epochs: int = EPOCHS) -> Imputed:
    """Values are in [0, 1] of each cell's largest: no scale that could be compared."""
    genes = (*view.input_genes, *view.target_genes)
    place = {gene: column for column, gene in enumerate(view.reference.genes)}
    counts = linear(csr_matrix(view.reference.expression[:, [place[gene] for gene in genes]]), view.reference.scale)
    there = counts.toarray()
    there = _signed(np.concatenate([there, there + AUGMENT]))
    here = np.zeros((view.tissue.n_cells, len(genes)), dtype=np.float32)
    here[:, : len(view.input_genes)] = linear(view.tissue.expression, view.tissue.scale).toarray()
    width = NARROW if len(genes) < FEW_GENES else WIDE
    with repeatable(seed, torch.get_num_threads()):
        net, path = Denoiser(len(genes), width), Cosine.of(STEPS)
        known = torch.arange(len(genes)) < len(view.input_genes)
        _train(net, path, torch.from_numpy(there), known, (seed, epochs, LARGE_BATCH if width == NARROW else 512))
        found = _sample(net, path, torch.from_numpy(_signed(here)), known, seed)
    return Imputed((found[:, len(view.input_genes) :] + 1) / 2, view.target_genes, units="arbitrary")


def _signed(counts: Floats) -> Floats:
    """1e4 per cell, log1p, divided by each cell's largest, brought to [-1, 1]."""
    total = counts.sum(axis=1, keepdims=True)
    logged = np.log1p(counts * np.divide(1e4, total, out=np.zeros_like(total), where=total > 0))
    top = logged.max(axis=1, keepdims=True)
    return np.asarray(logged / np.where(top > 0, top, 1) * 2 - 1, dtype=np.float32)


def _train(net: Denoiser, path: Cosine, cells: Tensor, known: Tensor, plan: tuple[int, int, int]) -> None:
    seed, epochs, batch_size = plan
    batches = Shuffle(len(cells), min(batch_size, len(cells)), seed, "stdiff/batch")
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=0)
    for number in range(epochs * batches.per_pass):
        random = stream(seed, "stdiff/noise", number)
        clean = cells[torch.from_numpy(batches.at(number))]
        noise = torch.from_numpy(random.standard_normal(clean.shape, dtype=np.float32))
        step = torch.from_numpy(random.integers(STEPS, size=len(clean)))
        noisy = torch.where(known, clean, path.noisy(clean, noise, step))
        loss = (net(noisy, step, clean * known) - noise)[:, ~known].square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


@torch.inference_mode()
def _sample(net: Denoiser, path: Cosine, measured: Tensor, known: Tensor, seed: int) -> Floats:
    """n x genes. Cells attend to each other within portions of 2,048."""
    steps = torch.linspace(STEPS - 1, 0, SAMPLED).round().long()
    parts = []
    for number, part in enumerate(measured.split(LARGE_BATCH)):
        random = stream(seed, "stdiff/start", number)
        now = torch.from_numpy(random.standard_normal(tuple(part.shape), dtype=np.float32))
        for at, step in enumerate(steps):
            now = torch.where(known, part, now)
            noise = net(now, step.expand(len(part)), part * known)
            clean = ((now - (1 - path.left[step]).sqrt() * noise) / path.left[step].sqrt()).clamp(-1, 1)
            after = path.left[steps[at + 1]] if at + 1 < SAMPLED else torch.tensor(1.0)
            now = after.sqrt() * clean + (1 - after).sqrt() * noise
        parts.append(now.clamp(-1, 1).numpy())
    return np.concatenate(parts)
