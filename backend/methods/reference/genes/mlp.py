"""Comparator *mlp*: a small network from masked, z-scored input genes to the leading components of the genes asked for.

Unmeasured gene: taught by reference cells, applied to the tissue's own z-scores; it learns for as many steps as best
impute a fifth of the input genes from the others. Unseen region: taught by the known cells; for as many steps as
predict strips of them best from the rest."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from backend.methods.contract import Floats
from backend.methods.imputation import Imputed
from backend.methods.reference.genes.adapter import Comparator, Learned, Task
from backend.methods.reference.genes.cards import MLP, MlpConfig
from backend.methods.reference.genes.holdout import Trial, trials
from backend.methods.reference.genes.scaled import Lesson
from backend.training.batches import Shuffle, stream
from backend.training.device import repeatable

RANK = 50
BATCH = 256
CHECK_EVERY = 50
CLIP = 10.0  # standard deviations: one odd cell must not bend the network
MOST_GENES = 2000  # whose components are learnt; every other gene is read off the same components
MOST_TRIALS = 2  # strips that a number of steps is chosen on: enough to see when it overfits


def learn(task: Task) -> Learned:
    view, config = task.view, task.config
    assert isinstance(config, MlpConfig)
    lesson = Lesson.of(view)
    taught = lesson.columns.read(lesson.columns.most_varied(view.target_genes, MOST_GENES))
    with repeatable(task.seed, threads=1):
        tried = list(itertools.islice(trials(view, lesson, task.seed), MOST_TRIALS))
        steps = task.last_step or _best_steps(tried, task, config)
        net = _Network(lesson.inputs, taught, config, task.seed)
        while net.step < steps and not task.run.should_stop():
            net.train(1)
            task.run.report(net.step, steps)
        told = net.components(lesson.asked)

    def answer(genes: tuple[str, ...]) -> Imputed:
        values = net.codes.decode(told, lesson.columns.read(genes))
        return Imputed(np.maximum(values, 0.0), genes, units=lesson.units)

    return Learned(answer, net.step if net.step < steps else task.last_step)


def _best_steps(tried: list[Trial], task: Task, config: MlpConfig) -> int:
    """Half of the steps allowed where there is nothing to choose on."""
    curves = []
    for trial in tried:
        net = _Network(trial.inputs, trial.goals, config, task.seed)
        curve: list[float] = []
        while net.step < config.steps and not task.run.should_stop():
            net.train(min(CHECK_EVERY, config.steps - net.step))
            curve.append(trial.score(net.codes.decode(net.components(trial.asked), trial.goals)))
        curves.append(curve)
    shortest = min(map(len, curves), default=0)
    if shortest == 0:
        return max(1, config.steps // 2)
    mean = np.mean([curve[:shortest] for curve in curves], axis=0)
    return min(config.steps, CHECK_EVERY * (1 + int(np.argmax(mean))))


class _Codes:
    """Genes as components of the cells that teach. goals: cells x rank, float32, of a size near 1."""

    def __init__(self, taught: Floats) -> None:
        from sklearn.utils.extmath import randomized_svd

        centred = taught - taught.mean(axis=0, dtype=np.float64)
        rank = max(1, min(RANK, *centred.shape))
        left, singular, _ = randomized_svd(centred, rank, random_state=0)
        self._basis: NDArray[np.float64] = left
        self._size = singular / max(float(singular[0]), 1e-9) * np.sqrt(len(taught))
        self.goals = np.asarray(left * self._size, dtype=np.float32)

    def decode(self, told: Floats, taught: Floats) -> Floats:
        """told: k x rank; taught: cells x genes, any. k x genes: each gene's regression on the components."""
        loadings = self._basis.T @ (taught - taught.mean(axis=0, dtype=np.float64))
        scaled = np.divide(told, self._size, out=np.zeros(told.shape), where=self._size > 1e-6)
        return np.asarray(scaled @ loadings + taught.mean(axis=0), dtype=np.float32)


class _Network:
    """inputs -> 256 -> components, trained on inputs of which half are set to their mean."""

    def __init__(self, inputs: Floats, taught: Floats, config: MlpConfig, seed: int) -> None:
        torch.manual_seed(seed)
        self.codes, self.step = _Codes(taught), 0
        self._seed, self._masked = seed, config.masked
        self._inputs, self._goals = _clipped(inputs), torch.from_numpy(self.codes.goals)
        self._batches = Shuffle(len(inputs), min(BATCH, len(inputs)), seed, "comparator/mlp")
        self._net = nn.Sequential(
            nn.Linear(inputs.shape[1], config.hidden),
            nn.LayerNorm(config.hidden),
            nn.GELU(),
            nn.Dropout(0.2),
            nn.Linear(config.hidden, self._goals.shape[1]),
        )
        self._optimiser = torch.optim.AdamW(self._net.parameters(), lr=1e-3, weight_decay=1e-2)

    def train(self, steps: int) -> None:
        self._net.train()
        for _ in range(steps):
            rows = torch.from_numpy(self._batches.at(self.step))
            random = stream(self._seed, "comparator/mlp/mask", self.step)
            seen = torch.from_numpy(random.random((len(rows), self._inputs.shape[1]), dtype=np.float32) > self._masked)
            loss = nn.functional.mse_loss(self._net(self._inputs[rows] * seen), self._goals[rows])
            self._optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimiser.step()
            self.step += 1

    def components(self, asked: Floats) -> Floats:
        self._net.eval()
        with torch.inference_mode():
            return np.asarray(self._net(_clipped(asked)).numpy(), dtype=np.float32)


def _clipped(values: Floats) -> torch.Tensor:
    return torch.from_numpy(np.clip(values, -CLIP, CLIP))


METHOD = Comparator(MLP, learn)
