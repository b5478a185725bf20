"""Training of one network, and the choice of how much to hide and when to stop, on strips of the training tissue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.analysis.agreement import median_pearson
from backend.methods.contract import Floats
from backend.methods.environs.config import EnvironsConfig
from backend.methods.environs.goals import Goals
from backend.methods.environs.model import Critic, Reader, critic_loss, hide
from backend.methods.environs.reading import jitter
from backend.training.batches import stream

BATCH = 256
CHECKS = 6  # moments at which a training may stop
SHARES = (0.2, 0.4, 0.7, 0.93)  # of inputs hidden
FEWEST_SEEN = 6  # genes that a step must leave
WAYS = ((False, 0.0), (True, 0.0), (False, 1 / 3), (True, 1 / 3))  # of reading what is predicted: alone, vote
RATE, DECAY = 3e-3, 1e-2
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Lesson:
    """inputs: n x G, as read; goals: of the same cells; reference: m x G, as read, or None where it is not used."""

    inputs: Floats
    goals: Goals
    reference: Floats | None


@dataclass(frozen=True)
class Strip:
    """learn, check: rows of the training cells. linear: n check cells x R, by the linear map of the others."""

    learn: Rows
    check: Rows
    linear: Floats


@dataclass(frozen=True)
class Choice:
    """hidden: share of inputs; steps: of a training; alone: read sigma itself, not the mean over widths; vote: the
    linear map's. score: median r of the contexts on strips."""

    hidden: float
    steps: int
    alone: bool = False
    vote: float = 0.0
    score: float = float("nan")


def train(lesson: Lesson, rows: Rows, choice: Choice, config: EnvironsConfig, seed: int) -> Iterator[Reader]:
    """A network after each sixth of `choice.steps`; the last one is done. seed: of this network."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = Reader(lesson.inputs.shape[1], lesson.goals.values.shape[1])
        optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
        strangers = None if lesson.reference is None else Strangers(lesson.reference, choice, config)
        every = max(choice.steps // CHECKS, 1)
        for step in range(choice.steps):
            random = stream(seed, "environs/step", step)
            picked = rows[random.integers(len(rows), size=min(BATCH, len(rows)))]
            real = torch.from_numpy(lesson.goals.values[picked])
            loss = torch.nn.functional.mse_loss(net(_shown(lesson.inputs[picked], choice.hidden, config, random)), real)
            if strangers is not None:
                loss = loss + strangers.loss(net, real, random)
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            optimiser.step()
            if (step + 1) % every == 0:
                yield net
                net.train()  # whoever was handed it may have asked it to predict


def _shown(inputs: Floats, hidden: float, config: EnvironsConfig, random: np.random.Generator) -> Tensor:
    if config.augmentation:
        inputs = jitter(inputs, config.augmentation, random)
    chance = torch.from_numpy(random.random(inputs.shape, dtype=np.float32))
    return hide(torch.from_numpy(inputs), hidden, chance)


class Strangers:
    """What reference cells, whose contexts nobody knows, add to the loss: agreement between what is said of a cell with
    its genes hidden and in full, and a critic's opinion."""

    def __init__(self, reference: Floats, choice: Choice, config: EnvironsConfig) -> None:
        self.reference, self.choice, self.config = reference, choice, config
        self.critic: Critic | None = None

    def loss(self, net: Reader, real: Tensor, random: np.random.Generator) -> Tensor:
        """real: B x R, of tissue cells. The critic takes a step first, where it has a weight."""
        cells = self.reference[random.integers(len(self.reference), size=len(real))]
        partly = net(_shown(cells, self.choice.hidden, self.config, random))
        loss = torch.zeros(())
        if self.config.lambda_agree:
            with torch.no_grad():
                fully = net(torch.from_numpy(cells))
            loss = loss + self.config.lambda_agree * torch.nn.functional.mse_loss(partly, fully)
        if self.config.lambda_adv:
            mix = torch.from_numpy(random.random((len(real), 1), dtype=np.float32))
            loss = loss - self.config.lambda_adv * self._taught(real, partly.detach(), mix)(partly).mean()
        return loss

    def _taught(self, real: Tensor, fake: Tensor, mix: Tensor) -> Critic:
        if self.critic is None:
            self.critic = Critic(real.shape[1])
            self.optimiser = torch.optim.Adam(self.critic.parameters(), lr=1e-4, betas=(0.0, 0.9))
        self.critic.requires_grad_(True)
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(critic_loss(self.critic, real, fake, mix))
        self.optimiser.step()
        return self.critic.requires_grad_(False)


@torch.no_grad()
def predict(net: Reader, inputs: Floats) -> Floats:
    """n x G -> n x R."""
    return np.asarray(net.eval()(torch.from_numpy(inputs)).numpy(), dtype=np.float32)


def shares_to_try(n_genes: int, config: EnvironsConfig) -> tuple[float, ...]:
    """Of inputs hidden: those that leave enough of them. Without masking: none."""
    if not config.masking:
        return (0.0,)
    return tuple(share for share in SHARES if n_genes * (1 - share) >= FEWEST_SEEN) or SHARES[:1]


def mixed(said: Floats, linear: Floats, vote: float) -> Floats:
    """The networks' components with the linear map's, which is made as loud as they are. Both n x R."""
    if not vote:
        return said
    loud = float(said.std() / max(float(linear.std()), 1e-9))
    return np.asarray((1 - vote) * said + vote * loud * linear, dtype=np.float32)


def try_out(
    lesson: Lesson, strip: Strip, truth: Floats, hidden: float, config: EnvironsConfig, seed: int
) -> list[list[float]]:
    """Median r over panel genes of the contexts of a strip, after each sixth of the steps, in each of `WAYS`.
    truth: n x P."""
    scores = []
    for net in train(lesson, strip.learn, Choice(hidden, config.steps), config, seed):
        said = predict(net, lesson.inputs[strip.check])
        scores.append(
            [
                median_pearson(truth[strip.check], lesson.goals.context(mixed(said, strip.linear, vote), alone))
                for alone, vote in WAYS
            ]
        )
    return scores


def best(tried: dict[float, list[list[list[float]]]], config: EnvironsConfig) -> Choice:
    """tried: hidden share -> per strip what `try_out` found. The first choice, from much hidden and plainly read to
    little hidden and specially read, that is within one standard error (paired over strips) of the best mean: a
    handful of strips would else be learnt by heart. Without strips, the middle of the road."""
    found: list[tuple[Choice, NDArray[np.float64]]] = []
    for hidden in sorted(tried, reverse=True):
        scores = np.asarray(tried[hidden], dtype=np.float64)  # strips x moments x ways
        for way, (alone, vote) in enumerate(WAYS if len(scores) else ()):
            if (vote and not config.linear) or (alone and not config.wider):
                continue
            moment = int(scores[:, :, way].mean(axis=0).argmax())
            reached = scores[:, moment, way]
            steps = (moment + 1) * max(config.steps // CHECKS, 1)
            found.append((Choice(hidden, steps, alone, vote, float(reached.mean())), reached))
    if not found:
        return Choice(sorted(tried)[len(tried) // 2], config.steps // 2)
    top = max(found, key=lambda one: one[0].score)[1]
    return next(choice for choice, reached in found if (top - reached).mean() <= _standard_error(top - reached))


def _standard_error(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
