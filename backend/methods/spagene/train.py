"""SpaGene's training (methods.md §2.4): each auto-encoder alone, then, with both frozen, critics and translators.

All randomness is a function of (seed, step), so a checkpoint is the networks, the optimisers, the best translator so
far and the step. The frozen encoders are read once, in eval mode: every later step starts from their latents.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from backend.errors import UserError
from backend.methods.contract import RunContext
from backend.methods.spagene import losses
from backend.methods.spagene.config import SpageneConfig
from backend.methods.spagene.inputs import Problem
from backend.methods.spagene.model import Networks, critic_parameters, translator_parameters
from backend.training import checkpoints
from backend.training.batches import Shuffle, stream

REPORT_S = 0.5
WEIGHT_DECAY = 1e-3
HALVE_EVERY = 10
READ_BATCH = 2048
LEAST_BATCHES = 8  # of a pass: a hundred cells in batches of 128 would be one step


@dataclass(frozen=True)
class Outcome:
    networks: Networks
    metrics: dict[str, float]
    stopped_at: int | None
    diverged: bool


class Training:
    """Networks, optimisers and data of one fit, on one device."""

    def __init__(self, problem: Problem, config: SpageneConfig, seed: int, device: str) -> None:
        self.config, self.seed, self.device = config, seed, device
        self.tissue = torch.from_numpy(problem.tissue).to(device)
        self.reference = torch.from_numpy(problem.reference).to(device)
        self.shared = torch.from_numpy(problem.shared).to(device)
        self.networks = Networks(self.tissue.shape[1], self.reference.shape[1], config).to(device)
        self.optimisers = {
            "tissue": _adam([*self.networks.encode_tissue.parameters(), *self.networks.decode_tissue.parameters()]),
            "reference": _adam(
                [*self.networks.encode_reference.parameters(), *self.networks.decode_reference.parameters()]
            ),
            "critics": _adam(critic_parameters(self.networks), config.critic_lr, WEIGHT_DECAY),
            "translators": _adam(translator_parameters(self.networks), config.translator_lr, WEIGHT_DECAY),
        }
        self.rows = {
            "tissue": torch.from_numpy(problem.tissue_rows).to(device),
            "reference": torch.from_numpy(problem.reference_rows).to(device),
        }
        passes = {name: max(LEAST_BATCHES, len(rows) // config.batch_size) for name, rows in self.rows.items()}
        self.tissue_steps = config.autoencoder_epochs * passes["tissue"]
        self.frozen_from = self.tissue_steps + config.autoencoder_epochs * passes["reference"]
        self.per_epoch = max(passes.values())
        self.steps = self.frozen_from + config.epochs * self.per_epoch
        self.batches = {
            name: Shuffle(len(rows), config.batch_size, seed, f"spagene/{name}") for name, rows in self.rows.items()
        }
        self.latents: tuple[Tensor, Tensor] | None = None
        self.best: dict[str, Tensor] = {}
        self.best_score = -math.inf

    def step(self, step: int) -> dict[str, Tensor]:
        """Do one step; the losses come back unread, so that no step waits for them."""
        torch.manual_seed(int(stream(self.seed, "spagene/dropout", step).integers(2**62)))
        if step < self.tissue_steps:
            return self._reconstruct("tissue", step)
        if step < self.frozen_from:
            return self._reconstruct("reference", step - self.tissue_steps)
        return self._translate(step)

    def epoch_ends(self, step: int) -> bool:
        done = step + 1 - self.frozen_from
        return done > 0 and done % self.per_epoch == 0

    def _reconstruct(self, name: str, step: int) -> dict[str, Tensor]:
        """Stage 1: argmin MSE(D(E(x)), x)."""
        expression = self.tissue if name == "tissue" else self.reference
        encode = self.networks.encode_tissue if name == "tissue" else self.networks.encode_reference
        decode = self.networks.decode_tissue if name == "tissue" else self.networks.decode_reference
        x = expression[self._rows(name, step)]
        loss = nn.functional.mse_loss(decode(encode(x)), x)
        _descend(self.optimisers[name], loss)
        return {"reconstruction": loss.detach()}

    def _translate(self, step: int) -> dict[str, Tensor]:
        """Stage 2: one critic update, then one translator update, from the same forward pass of the translators."""
        tissue, reference = self.encoded()
        own, other = self._rows("tissue", step), self._rows("reference", step)
        real_tissue, real_reference = tissue[own], reference[other]
        net, config = self.networks, self.config
        fake_reference, fake_tissue = net.to_reference(real_tissue), net.to_tissue(real_reference)
        judged = {}
        if config.lambda_adversary > 0:
            judged = self._critics_update(real_tissue, fake_tissue.detach(), real_reference, fake_reference.detach())
        x, y = self.tissue[own], self.reference[other]
        from_tissue, there = net.decode_reference(torch.cat([fake_reference, net.to_reference(fake_tissue)])).chunk(2)
        from_reference, here = net.decode_tissue(torch.cat([fake_tissue, net.to_tissue(fake_reference)])).chunk(2)
        cycle = losses.cycle_loss(here, x) + losses.cycle_loss(there, y)
        identity = losses.identity_loss(from_tissue[:, self.shared], x)
        identity = identity + losses.identity_loss(from_reference, y[:, self.shared])
        total = config.lambda_cycle * cycle + config.lambda_identity * identity
        for fake, real in ((fake_reference, real_reference), (fake_tissue, real_tissue)):
            if config.lambda_coral > 0:
                total = total + config.lambda_coral * losses.coral_loss(fake, real)
            if config.lambda_mmd > 0:
                total = total + config.lambda_mmd * losses.mmd_loss(fake, real, config.mmd_kernel)
        if config.lambda_adversary > 0:
            for critic, fake in ((net.judge_reference, fake_reference), (net.judge_tissue, fake_tissue)):
                total = total + config.lambda_adversary * losses.adversarial_loss(critic(fake), config.gan_mode)
        _descend(self.optimisers["translators"], total, self._translator_lr(step))
        return {"cycle": cycle.detach(), "identity": identity.detach(), "total": total.detach(), **judged}

    def _critics_update(
        self, real_tissue: Tensor, fake_tissue: Tensor, real_reference: Tensor, fake_reference: Tensor
    ) -> dict[str, Tensor]:
        net, config = self.networks, self.config
        for parameter in critic_parameters(net):
            parameter.requires_grad_(True)
        loss, gap = torch.zeros((), device=self.device), torch.zeros((), device=self.device)
        for critic, real, fake in (
            (net.judge_tissue, real_tissue, fake_tissue),
            (net.judge_reference, real_reference, fake_reference),
        ):
            score, fake_score = critic(torch.cat([real, fake])).chunk(2)
            loss = loss + config.lambda_critic * losses.hinge_loss(score, fake_score, config.gan_mode)
            if config.gradient_penalty > 0:
                mix = torch.rand((len(real), 1), device=self.device)
                loss = loss + config.gradient_penalty * losses.gradient_penalty(critic, real, fake, mix)
            gap = gap + (score.mean() - fake_score.mean()).detach() / 2
        _descend(self.optimisers["critics"], loss)
        for parameter in critic_parameters(net):
            parameter.requires_grad_(False)
        return {"critic": gap}

    def _translator_lr(self, step: int) -> float:
        epoch = (step - self.frozen_from) // self.per_epoch
        return float(self.config.translator_lr * 0.5 ** (epoch // HALVE_EVERY))

    def _rows(self, name: str, step: int) -> Tensor:
        return self.rows[name][torch.from_numpy(self.batches[name].at(step)).to(self.device)]

    def encoded(self) -> tuple[Tensor, Tensor]:
        """Latents of all cells, (n, L_tissue) and (m, L_reference), from the moment that the encoders are frozen."""
        if self.latents is None:
            self.networks.freeze_autoencoders()
            self.latents = (
                in_batches(self.networks.encode_tissue, self.tissue),
                in_batches(self.networks.encode_reference, self.reference),
            )
        return self.latents

    @torch.no_grad()
    def judge(self) -> float:
        """Mean PCC of the training shared genes over all tissue cells, in eval mode; keeps the best translator.

        The published choice of the epoch. It reads input genes alone, so no target has a say (methods.md §2.4)."""
        tissue, _ = self.encoded()
        self.networks.to_reference.eval()
        sums = PearsonSums()
        for start in range(0, len(tissue), READ_BATCH):
            part = slice(start, start + READ_BATCH)
            decoded = self.networks.decode_reference(self.networks.to_reference(tissue[part]))
            sums.add(decoded[:, self.shared], self.tissue[part])
        self.networks.to_reference.train()
        score = sums.mean_pcc()
        if score > self.best_score:
            self.best_score, self.best = score, checkpoints.module_tensors("best", self.networks.to_reference)
            self.best = {name: value.clone() for name, value in self.best.items()}
        return score

    def tensors(self) -> dict[str, Tensor]:
        found = checkpoints.module_tensors("networks", self.networks) | self.best
        for name, optimiser in self.optimisers.items():
            found |= checkpoints.optimiser_tensors(f"optimiser/{name}", optimiser)
        return found

    def restore(self, tensors: dict[str, Tensor], best_score: float) -> None:
        checkpoints.restore_module("networks", self.networks, tensors)
        for name, optimiser in self.optimisers.items():
            checkpoints.restore_optimiser(f"optimiser/{name}", optimiser, tensors)
        self.best = {name: value.to(self.device) for name, value in tensors.items() if name.startswith("best/")}
        self.best_score = best_score


class PearsonSums:
    """Per-gene sums, in double precision, from which Pearson's correlation follows without holding all cells."""

    def __init__(self) -> None:
        self.n, self.sums = 0, [torch.zeros(())] * 5

    def add(self, a: Tensor, b: Tensor) -> None:
        a, b = a.double(), b.double()
        parts = (a, b, a * a, b * b, a * b)
        self.n += len(a)
        self.sums = [total.to(part.device) + part.sum(dim=0) for total, part in zip(self.sums, parts, strict=True)]

    def mean_pcc(self) -> float:
        """Over the genes that vary; a prediction that does not counts as 0, one that is no number makes it none."""
        a, b, aa, bb, ab = (total / self.n for total in self.sums)
        spread_a, spread_b = (aa - a * a).clamp_min(0), (bb - b * b).clamp_min(0)
        pcc = torch.where(spread_a <= 1e-12, 0.0, (ab - a * b) / (spread_a * spread_b).clamp_min(1e-24).sqrt())
        varies = spread_b > 1e-12
        return float(pcc[varies].mean()) if bool(varies.any()) else 0.0


def train(problem: Problem, config: SpageneConfig, run: RunContext, device: str, key: dict[str, Any]) -> Outcome:
    """Train from the beginning, or from the checkpoint in `run.folder` if `key` says that it is of this very work.

    Losses that stop being numbers end the training; the best epoch before is kept and `stopped_at` says so. Raises
    UserError when there is none."""
    training = Training(problem, config, run.seed, device)
    first = _resume(training, run, key)
    stopped_at: int | None = None
    diverged = False
    clock = time.monotonic()
    readings: dict[str, float] = {}
    for step in range(first, training.steps):
        found = training.step(step)
        done, epoch_ended = step + 1, training.epoch_ends(step)
        if not epoch_ended and time.monotonic() - clock < REPORT_S and step > first:
            continue
        clock = time.monotonic()
        now = {name: value.item() for name, value in found.items()}
        if epoch_ended:
            now["training_pcc"] = training.judge()
        if not all(map(math.isfinite, now.values())):
            diverged, stopped_at = True, done
            break
        readings = now
        if run.checkpoint_due():
            state = {"step": done, "key": key, "best_score": training.best_score if training.best else None}
            checkpoints.save_checkpoint(run.folder, training.tensors(), state)
        run.report(done, training.steps, **readings)
        if done < training.steps and run.should_stop():
            stopped_at = done
            break
    return _outcome(training, readings, stopped_at, diverged)


def _outcome(training: Training, readings: dict[str, float], stopped_at: int | None, diverged: bool) -> Outcome:
    """The best epoch's translator; before the end of the first, what was reached, unless that is no numbers."""
    if not training.best and diverged:
        raise UserError(
            f"The training diverged by step {stopped_at:,}: its losses are not numbers any more.",
            "The learning rates or the weights are too high for these data.",
            "Lower the learning rates tenfold, or take a preset.",
        )
    if not training.best and stopped_at is not None and stopped_at > training.frozen_from:
        training.judge()
    if not training.best:
        raise UserError(
            "The run was stopped before the translators were trained.",
            "The first steps teach the two auto-encoders only; there is nothing to keep yet.",
            "Resume the run.",
        )
    checkpoints.restore_module("best", training.networks.to_reference, training.best)
    return Outcome(training.networks, readings | {"training_pcc": training.best_score}, stopped_at, diverged)


def _resume(training: Training, run: RunContext, key: dict[str, Any]) -> int:
    """Restore a checkpoint of the same work. The step to begin with: 0 without one."""
    found = checkpoints.load_checkpoint(run.folder)
    if found is None or found[1]["key"] != key:
        return 0
    score = found[1]["best_score"]
    training.restore(found[0], -math.inf if score is None else score)
    return int(found[1]["step"])


@torch.no_grad()
def in_batches(network: Callable[[Tensor], Tensor], values: Tensor) -> Tensor:
    return torch.cat([network(values[start : start + READ_BATCH]) for start in range(0, len(values), READ_BATCH)])


def _adam(parameters: list[nn.Parameter], lr: float = 1e-3, decay: float = 0.0) -> torch.optim.Adam:
    return torch.optim.Adam(parameters, lr=lr, weight_decay=decay, fused=True)


def _descend(optimiser: torch.optim.Optimizer, loss: Tensor, lr: float | None = None) -> None:
    if lr is not None:
        optimiser.param_groups[0]["lr"] = lr
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    optimiser.step()
