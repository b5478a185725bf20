"""CASPER's training: first how many epochs, on cells or genes that are kept aside, then a fit on everything.

The released code took the best epoch on the test cells (methods.md, trap 2). Here the trials see the training cells
alone, in the other mode the input genes alone. A checkpoint is the network, the optimiser and the scores so far: all
randomness is a function of (seed, step).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from backend.errors import UserError
from backend.methods.casper.config import CasperConfig
from backend.methods.casper.tasks import Task
from backend.methods.contract import RunContext
from backend.training import checkpoints
from backend.training.batches import Shuffle, stream

UNTRIED = 0.2  # of the most epochs, where there was nothing to choose on


@dataclass
class Stage:
    """One training from scratch: a trial, or the last one."""

    task: Task
    number: int
    seed: int
    config: CasperConfig
    network: nn.Module = field(init=False)
    optimiser: torch.optim.Optimizer = field(init=False)

    def __post_init__(self) -> None:
        torch.manual_seed(_seed(self.seed, "casper/start", self.number))
        self.network = self.task.network().to(self.task.device)
        # Fused: one pass over memory per step; for networks of this size most of the time was in the plain one.
        self.optimiser = torch.optim.Adam(
            self.network.parameters(), self.config.learning_rate, weight_decay=self.config.weight_decay, fused=True
        )
        self.batches = Shuffle(self.task.rows, self.config.batch_size, self.seed, f"casper/cells/{self.number}")

    def pass_once(self, number: int) -> float:
        """Pass once through the cells. The mean loss."""
        self.network.train()
        per_epoch = max(1, self.batches.per_pass)
        total = 0.0
        for step in range(number * per_epoch, (number + 1) * per_epoch):
            torch.manual_seed(_seed(self.seed, f"casper/dropout/{self.number}", step))
            random = stream(self.seed, f"casper/step/{self.number}", step)
            loss = self.task.loss(self.network, self.batches.at(step), random)
            self.optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            self.optimiser.step()
            total += loss.item()
        self.network.eval()
        return total / per_epoch

    def tensors(self) -> dict[str, Tensor]:
        network = checkpoints.module_tensors("network", self.network)
        return network | checkpoints.optimiser_tensors("optimiser", self.optimiser)

    def finite(self) -> bool:
        return all(bool(value.isfinite().all()) for value in self.tensors().values())

    def restore(self, tensors: dict[str, Tensor]) -> None:
        checkpoints.restore_module("network", self.network, tensors)
        checkpoints.restore_optimiser("optimiser", self.optimiser, tensors)


@dataclass(frozen=True)
class Outcome:
    """network: of the last stage. epochs: how many it was trained. scores: of each trial, after each epoch."""

    network: nn.Module
    epochs: int
    scores: list[list[float]]
    stopped_at: int | None


class Training:
    """Trials, then the last stage; what a checkpoint holds of them is `scores`, the stage, its epoch and tensors."""

    def __init__(
        self, trials: Sequence[Task], whole: Task, config: CasperConfig, run: RunContext, key: dict[str, Any]
    ) -> None:
        self.tasks, self.config, self.run, self.key = [*trials, whole], config, run, key
        self.scores: list[list[float]] = [[] for _ in trials]
        self.number = self.epoch = 0
        self.stage = self._start(0)
        found = checkpoints.load_checkpoint(run.folder)
        if found is not None and found[1]["key"] == key:
            self.scores, self.number, self.epoch = (found[1][name] for name in ("scores", "stage", "epoch"))
            self.stage = self._start(self.number)
            self.stage.restore(found[0])

    @property
    def last(self) -> bool:
        return self.number == len(self.scores)

    @property
    def limit(self) -> int:
        return best_epochs(self.scores, self.config.epochs) if self.last else self.config.epochs

    def go(self) -> Outcome:
        """Raises UserError where the losses are no numbers from the first epoch on."""
        while not (self.last and self.epoch >= self.limit):
            if self._over():
                self.number, self.epoch = self.number + 1, 0
                self.stage = self._start(self.number)
                continue
            kept = {name: value.clone() for name, value in self.stage.tensors().items()}
            loss = self.stage.pass_once(self.epoch)
            if not (
                math.isfinite(loss) and all(bool(value.isfinite().all()) for value in self.stage.tensors().values())
            ):
                if self.epoch == 0:
                    raise diverged()
                self.stage.restore(kept)
                return self._outcome(self.position)
            self.epoch += 1
            self._note(loss)
            if not (self.last and self.epoch >= self.limit) and self.run.should_stop():
                return self._outcome(self.position)
        return self._outcome(None)

    @property
    def position(self) -> int:
        """Epochs done, as if every trial took all it may."""
        return self.number * self.config.epochs + self.epoch

    def _start(self, number: int) -> Stage:
        return Stage(self.tasks[number], number, self.run.seed, self.config)

    def _over(self) -> bool:
        """Whether a trial has seen no better score for long enough."""
        if self.last or not self.scores[self.number]:
            return False
        scores = self.scores[self.number]
        return self.epoch >= self.limit or len(scores) - 1 - int(np.argmax(scores)) >= self.config.patience

    def _note(self, loss: float) -> None:
        metrics = {"loss": loss}
        if not self.last:
            self.scores[self.number].append(self.stage.task.score(self.stage.network))
            metrics["held_out"] = self.scores[self.number][-1]
        if self.run.checkpoint_due():
            state = {"key": self.key, "scores": self.scores, "stage": self.number, "epoch": self.epoch}
            checkpoints.save_checkpoint(self.run.folder, self.stage.tensors(), state)
        self.run.report(self.position, len(self.tasks) * self.config.epochs, **metrics)

    def _outcome(self, stopped_at: int | None) -> Outcome:
        return Outcome(self.stage.network.eval(), self.epoch, self.scores, stopped_at)


def best_epochs(scores: Sequence[Sequence[float]], most: int) -> int:
    """The epochs after which the trials' mean score was best, as far as all of them went."""
    if not scores:
        return max(1, round(UNTRIED * most))
    together = min(map(len, scores))
    return int(np.argmax(np.mean([row[:together] for row in scores], axis=0))) + 1


def diverged() -> UserError:
    return UserError(
        "The training diverged in its first epoch: its losses are not numbers.",
        "The learning rate is too high for these data.",
        "Lower the learning rate tenfold, or take a preset.",
    )


def _seed(seed: int, purpose: str, step: int) -> int:
    return int(stream(seed, purpose, step).integers(2**31))
