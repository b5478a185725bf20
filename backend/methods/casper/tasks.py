"""What CASPER learns, in each of its two modes: inputs, goals, the loss of a step, the score on what is kept aside.

A task is a function of the view, the settings and the seed; every random number of a step comes with the step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from backend.datasets.expression import linear
from backend.methods.casper.centroids import Centroids
from backend.methods.casper.config import CasperConfig
from backend.methods.casper.model import GeneNetwork, RegionNetwork
from backend.methods.contract import Floats
from backend.methods.imputation import FoldView, depths, log_tissue
from backend.methods.reference.genes.scaled import known_columns
from backend.training.batches import stream

READ_BATCH = 4096
FEWEST_CELLS, FEWEST_GENES = 50, 5  # below, nothing is kept aside
TRIALS, MANY_GENES = 5, 200
CONSTANT = 1e-6
TILES = 5


class Task(Protocol):
    """rows: how many cells a pass goes through."""

    @property
    def rows(self) -> int: ...
    @property
    def device(self) -> torch.device: ...
    def network(self) -> nn.Module: ...
    def loss(self, network: nn.Module, rows: NDArray[np.int64], random: np.random.Generator) -> Tensor: ...
    def score(self, network: nn.Module) -> float:
        """Mean correlation over goals, on what this task keeps aside."""
        ...


@dataclass(frozen=True)
class RegionTask:
    """Measured gene, unseen region: `inputs` n x |I| and `read` K x (|I| + |T|) on the device; `goals`: the known cells
    x |T|, log1p at input depth, less their `centre` and over their `deviation`. learn, check: rows of the goals."""

    inputs: Tensor
    read: Tensor
    goals: Tensor
    centre: Tensor
    deviation: Tensor
    known: NDArray[np.intp]
    learn: NDArray[np.intp]
    check: NDArray[np.intp]
    config: CasperConfig

    @property
    def rows(self) -> int:
        return len(self.learn)

    @property
    def device(self) -> torch.device:
        return self.inputs.device

    def network(self) -> nn.Module:
        return RegionNetwork(self.inputs.shape[1], self.read.shape[1], self.goals.shape[1], self.config)

    def loss(self, network: nn.Module, rows: NDArray[np.int64], random: np.random.Generator) -> Tensor:
        chosen = self.learn[rows]
        # Hiding inputs, the same of all cells of a step, keeps the network from leaning on a few genes.
        drawn = random.random(self.inputs.shape[1]) >= self.config.input_dropout
        shown = torch.from_numpy(drawn.astype(np.float32)).to(self.device) / (1 - self.config.input_dropout)
        told, _ = network(self.inputs[self.known[chosen]] * shown, self.read)
        return functional.mse_loss(told, self.goals[chosen])

    def score(self, network: nn.Module) -> float:
        return mean_correlation(self.goals[self.check], self.predict(network, self.known[self.check])[0])

    @torch.no_grad()
    def predict(self, network: nn.Module, cells: NDArray[np.intp] | None = None) -> tuple[Tensor, Tensor]:
        """Goals and weights of these tissue cells, or of all."""
        asked = self.inputs if cells is None else self.inputs[cells]
        parts = [network(asked[start : start + READ_BATCH], self.read) for start in range(0, len(asked), READ_BATCH)]
        told, weights = (torch.cat(part) for part in zip(*parts, strict=True))
        return self.centre + self.deviation * told, weights


def region_task(view: FoldView, centroids: Centroids, config: CasperConfig, device: str) -> RegionTask:
    """The task on all known cells, nothing kept aside."""
    assert view.known is not None
    logged = log_tissue(view.tissue)
    read = centroids.means(view.input_genes + view.target_genes)
    if config.standardise:
        logged, read = _standard(logged), _standard(read)
    goals = known_columns(view).read(view.target_genes)
    centre, deviation = np.zeros(goals.shape[1]), np.ones(goals.shape[1])
    if config.standardise:
        centre, deviation = goals.mean(axis=0), goals.std(axis=0)
        goals = _standard(goals)
    every = np.arange(len(goals))
    return RegionTask(
        inputs=_put(logged, device),
        read=_put(read, device),
        goals=_put(goals, device),
        centre=_put(centre, device),
        deviation=_put(deviation, device),
        known=view.known.rows,
        learn=every,
        check=every[:0],
        config=config,
    )


def inner_tiles(view: FoldView, seed: int) -> NDArray[np.intp]:
    """The tile of each known cell: 5 x 5 squares per section, numbered 0 to 4 so that each number recurs in every row
    and column (without coordinates: at random)."""
    assert view.known is not None
    rows, place = view.known.rows, view.tissue.coordinates
    if place is None:
        return stream(seed, "casper/inner tiles").integers(TILES, size=len(rows))
    section = np.zeros(len(rows), dtype=np.int32) if view.tissue.section is None else view.tissue.section[rows]
    number = np.zeros(len(rows), dtype=np.intp)
    for label in np.unique(section):
        members = np.flatnonzero(section == label)
        ranks = np.argsort(np.argsort(place[rows[members]], axis=0, kind="stable"), axis=0, kind="stable")
        tile = ranks * TILES // len(members)
        number[members] = (tile[:, 0] + 2 * tile[:, 1]) % TILES
    return number


@dataclass(frozen=True)
class GeneTask:
    """Unmeasured gene: `counts` n x G (input genes, linear), `share` their shares of all counts, `standard` K x G the
    centroids' z-scores; centre and deviation of log expression, G. shown: 1 for the genes that may be read or asked
    for; aside: 1 for those that the task is scored on."""

    counts: Tensor
    share: Tensor
    standard: Tensor
    centre: Tensor
    deviation: Tensor
    depth: float
    shown: Tensor
    aside: Tensor
    config: CasperConfig

    @property
    def rows(self) -> int:
        return len(self.counts)

    @property
    def device(self) -> torch.device:
        return self.counts.device

    def network(self) -> nn.Module:
        return GeneNetwork(self.counts.shape[1], self.config)

    def loss(self, network: nn.Module, rows: NDArray[np.int64], random: np.random.Generator) -> Tensor:
        """1 minus the mean correlation, over the batch, of hidden genes with what the attention reads of them."""
        hidden = self._hide(random)
        shown = self.shown * (1 - hidden)
        scores = self._scores(self.counts[torch.from_numpy(rows)], shown)
        weights, asked = network(scores, self.standard, shown), hidden.bool()
        return 1 - correlations(scores[:, asked], weights @ self.standard[:, asked]).mean()

    def score(self, network: nn.Module) -> float:
        truth, told = self._answer(network)
        return mean_correlation(truth, told)

    def slope(self, network: nn.Module) -> float:
        """Of the z-scores kept aside on what was read of them: below 1, because single cells are noisy."""
        truth, told = self._answer(network)
        told = told - told.mean(dim=0)
        return float((told * truth).sum() / (told**2).sum().clamp_min(1e-9))

    @torch.no_grad()
    def weights(self, network: nn.Module) -> Tensor:
        """n x K, for all cells, reading all genes shown."""
        parts = [
            network(self._scores(self.counts[start : start + READ_BATCH], self.shown), self.standard, self.shown)
            for start in range(0, self.rows, READ_BATCH)
        ]
        return torch.cat(parts)

    def _answer(self, network: nn.Module) -> tuple[Tensor, Tensor]:
        asked = self.aside.bool()
        return self._scores(self.counts, self.shown)[:, asked], self.weights(network) @ self.standard[:, asked]

    def _scores(self, counts: Tensor, shown: Tensor) -> Tensor:
        """z-scores at the depth of the genes shown alone: a total of all would tell of the hidden ones (trap 5)."""
        total = (counts @ shown)[:, None]
        factor = torch.where(total > 0, self.depth * (self.share @ shown) / total.clamp_min(1e-9), 0.0)
        return (torch.log1p(counts * factor) - self.centre) / self.deviation

    def _hide(self, random: np.random.Generator) -> Tensor:
        """1 for the genes of this step's question: a share of the genes shown, at least one and not all."""
        may = np.flatnonzero(self.shown.cpu().numpy())
        count = min(max(1, round(self.config.masked * len(may))), len(may) - 1)
        hidden = torch.zeros_like(self.shown)
        hidden[torch.from_numpy(random.choice(may, size=count, replace=False))] = 1
        return hidden


def gene_task(view: FoldView, centroids: Centroids, config: CasperConfig, device: str) -> GeneTask:
    """The task on all input genes, nothing kept aside."""
    counts = np.asarray(linear(view.tissue.expression, view.tissue.scale).todense(), dtype=np.float32)
    logged, total = log_tissue(view.tissue), depths(view.tissue)
    deviation = logged.std(axis=0)
    return GeneTask(
        counts=_put(counts, device),
        share=_put(counts.sum(axis=0) / counts.sum(), device),
        standard=_put(centroids.standard(view.input_genes), device),
        centre=_put(logged.mean(axis=0), device),
        deviation=_put(np.where(deviation > CONSTANT, deviation, np.inf), device),
        depth=float(np.median(total)),
        shown=torch.ones(counts.shape[1], device=device),
        aside=torch.zeros(counts.shape[1], device=device),
        config=config,
    )


def region_trials(task: RegionTask, view: FoldView, seed: int) -> list[RegionTask]:
    """One: a fifth of the known cells kept aside, in tiles. None where they are too few."""
    if task.rows < FEWEST_CELLS:
        return []
    aside = inner_tiles(view, seed) == 0
    return [replace(task, learn=np.flatnonzero(~aside), check=np.flatnonzero(aside))]


def gene_trials(task: GeneTask, seed: int) -> list[GeneTask]:
    """A fifth of the input genes kept aside; a small panel is kept aside once in each of five parts, since a few genes
    would not choose well. None where genes are too few."""
    number = len(task.shown)
    if number < FEWEST_GENES:
        return []
    parts = np.array_split(stream(seed, "casper/genes aside").permutation(number), TRIALS)
    trials = []
    for part in parts[: 1 if number >= MANY_GENES else TRIALS]:
        aside = torch.zeros_like(task.aside)
        aside[torch.from_numpy(part)] = 1
        trials.append(replace(task, shown=1 - aside, aside=aside))
    return trials


def _put(values: NDArray[Any], device: str) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)).to(device)


def correlations(truth: Tensor, told: Tensor) -> Tensor:
    """Of each column over the rows; 0 where one of them is constant."""
    true, other = truth - truth.mean(dim=0), told - told.mean(dim=0)
    both: Tensor = (true * other).sum(dim=0) / (true.norm(dim=0) * other.norm(dim=0)).clamp_min(CONSTANT)
    return both


def mean_correlation(truth: Tensor, told: Tensor) -> float:
    """Over the columns whose truth varies; 0 where none does."""
    varies = truth.std(dim=0) > CONSTANT
    return float(correlations(truth[:, varies], told[:, varies]).mean()) if varies.any() else 0.0


def _standard(values: Floats) -> Floats:
    """Columns with mean 0 and deviation 1; a constant one is 0."""
    deviation = values.std(axis=0)
    return np.asarray((values - values.mean(axis=0)) / np.where(deviation > CONSTANT, deviation, np.inf), np.float32)
