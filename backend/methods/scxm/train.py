"""SCXM's training: first the decoder (Eq. 3), then, with it frozen, critic and encoder in turns (Eq. 1, 2, 4, 5).

All randomness is a function of (seed, step), so a checkpoint is the networks, the optimisers and the step; one step is
one encoder update with its critic updates, so no checkpoint falls between the two.
"""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from backend.errors import UserError
from backend.methods.contract import RunContext
from backend.methods.scxm.backbone.encoder import BackboneEncoder, States
from backend.methods.scxm.backbone.memory import Memory
from backend.methods.scxm.backbone.pool import make_pool
from backend.methods.scxm.backbone.reader import Sentences
from backend.methods.scxm.backbone.source import Source
from backend.methods.scxm.config import ScxmConfig
from backend.methods.scxm.cost import POOL_DRAWS, batches_per_epoch
from backend.methods.scxm.encoders import Encoder, build_encoder, groups
from backend.methods.scxm.inputs import FIRST_GENE
from backend.methods.scxm.model import (
    Critic,
    Decoder,
    TransformerEncoder,
    critic_loss,
    decoder_loss,
    masked_gene_loss,
    start_at_mean,
)
from backend.methods.scxm.problem import Problem
from backend.methods.scxm.watch import Watch
from backend.settings import load
from backend.training import checkpoints
from backend.training.batches import Shuffle, stream

REPORT_S = 0.5
CHECK_STEPS = 100
ADAM_BETAS = (0.0, 0.9)
# The encoder is judged through the decoder, so a decoder that has learnt its few cells by heart misleads it: without
# weight decay the score on unseen cells fell from .24 to .02 as the decoder trained longer.
DECODER_DECAY = 1e-3
# Each gene pulls equally, whatever the panel: 600 on 300 genes and 50 on 32 were the good values.
PANEL_OF_LAMBDA = 300
# The last steps' average predicts better than any one step of two networks that chase each other (.19 to .23).
AVERAGE_DECAY = 0.998
PRETRAIN_LR, MASKED_SHARE = 5e-4, 0.15
# Watching may take a tenth of the time at most.
WATCHING = 10
DIAGNOSED, DIAGNOSED_BY_BACKBONE = 256, 64
SCALED_ON = 512
LEAST_EXPLAINED = 0.005  # of real contexts: where they say nothing of their cells, predictions cannot either


@dataclass(frozen=True)
class Outcome:
    encoder: Encoder
    decoder: Decoder
    metrics: dict[str, float]
    stopped_at: int | None


class Training:
    """Networks, optimisers and data of one fit, on one device. `source`: the backbone, if the encoder has one."""

    def __init__(
        self, problem: Problem, config: ScxmConfig, seed: int, device: str, source: Source | None = None
    ) -> None:
        self.problem, self.config, self.seed, self.device = problem, config, seed, device
        n_panel = problem.contexts.shape[1]
        blocks = config.resolved_trainable_blocks(problem.n_reference)
        self.encoder = build_encoder(config, problem.reference.shape[1], n_panel, source, blocks)
        self.decoder, self.critic = Decoder(n_panel, config.hidden, config.decoder_skip), Critic(n_panel)
        contexts = torch.from_numpy(problem.contexts)
        start_at_mean(self.encoder, contexts.mean(dim=0))
        self.contexts = contexts.to(device)
        self.mean, self.sd = contexts.mean(dim=0).to(device), contexts.std(dim=0).clamp_min(1e-4).to(device)
        self.average = copy.deepcopy(self.encoder).requires_grad_(False)
        self.networks: dict[str, nn.Module] = {
            "encoder": self.encoder,
            "average": self.average,
            "decoder": self.decoder,
            "critic": self.critic,
        }
        for network in self.networks.values():
            network.to(device)
        self.memory: Memory | None = None
        if isinstance(self.encoder, BackboneEncoder):
            self.memory = Memory(self.encoder, make_pool(problem, POOL_DRAWS, seed), load().cache_gb)
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "pretrain": torch.optim.AdamW(self.encoder.parameters(), lr=PRETRAIN_LR),
            "encoder": torch.optim.Adam(
                groups(self.encoder, config.encoder_lr), lr=config.encoder_lr, betas=ADAM_BETAS
            ),
            "decoder": torch.optim.Adam(self.decoder.parameters(), lr=config.decoder_lr, weight_decay=DECODER_DECAY),
            "critic": torch.optim.Adam(self.critic.parameters(), lr=config.critic_lr, betas=ADAM_BETAS),
        }
        batch, n_tissue = config.batch_size, len(problem.contexts)
        per_epoch = batches_per_epoch(problem.n_reference, batch)
        self.frozen_steps = len(self.memory.parts) + 1 if self.memory else 0
        self.pretrain_steps = config.pretrain_epochs * per_epoch if config.encoder == "transformer" else 0
        self.taught_steps = (
            self.frozen_steps + self.pretrain_steps + config.decoder_epochs * batches_per_epoch(n_tissue, batch)
        )
        self.steps = self.taught_steps + config.epochs * per_epoch
        self.per_epoch = per_epoch
        self.watch: Watch | None = None
        if config.patience and problem.tissue is not None:
            self.watch = Watch(problem, self.encoder, seed, device)
            self.networks["best"] = copy.deepcopy(self.average)
        self.consistency_weight = config.lambda_cons * n_panel / PANEL_OF_LAMBDA
        self.tissue_rows = Shuffle(n_tissue, batch, seed, "scxm/tissue")
        self.reference_rows = Shuffle(problem.n_reference, batch, seed, "scxm/reference")

    def standardise(self, context: Tensor) -> Tensor:
        return (context - self.mean) / self.sd

    def step(self, step: int) -> dict[str, Tensor]:
        """Do one step; the losses come back unread, so that no step waits for them."""
        if step < self.frozen_steps:
            return self._frozen_step(step)
        if step < self.pretrain_steps:
            return self._pretrain_step(step)
        if step < self.taught_steps:
            return self._decoder_step(step)
        self.decoder.requires_grad_(False)
        losses = self._adversarial_step(step)
        epoch, rest = divmod(step + 1 - self.taught_steps, self.per_epoch)
        if self.watch and not rest and self.watch.better(epoch, self.average):
            self.networks["best"].load_state_dict(self.average.state_dict())
        return losses

    def exhausted(self, step: int) -> bool:
        """No better for `patience` epochs."""
        if not (self.watch and self.watch.epoch and self.config.patience):
            return False
        return (step + 1 - self.taught_steps) // self.per_epoch - self.watch.epoch >= self.config.patience

    @property
    def kept(self) -> Encoder:
        """The encoder that is kept: the average of the last steps, or the best of them."""
        found = self.networks["best"] if self.watch and self.watch.epoch else self.average
        return cast("Encoder", found)

    def _frozen_step(self, step: int) -> dict[str, Tensor]:
        """What the frozen part makes of some of the pooled draws; at last the head's units, from some of them."""
        assert self.memory is not None
        if step < len(self.memory.parts):
            self.memory.fill(step)
        else:
            random = stream(self.seed, "scxm/scale")
            states, _ = self.memory.batch(random.integers(self.problem.n_reference, size=SCALED_ON), random)
            for network in (self.encoder, self.average):
                assert isinstance(network, BackboneEncoder)
                network.fit_scale(states)
        return {}

    def _pretrain_step(self, step: int) -> dict[str, Tensor]:
        assert isinstance(self.encoder, TransformerEncoder)
        random = stream(self.seed, "scxm/pretrain", step)
        tokens, _ = self._fresh(step, random)
        assert isinstance(tokens, Tensor)
        chance = torch.from_numpy(random.random(tuple(tokens.shape), dtype=np.float32)).to(self.device)
        loss = masked_gene_loss(self.encoder, tokens, (chance < MASKED_SHARE) & (tokens >= FIRST_GENE))
        self._descend("pretrain", loss)
        self.average.load_state_dict(self.encoder.state_dict())
        return {"pretraining": loss.detach()}

    def _decoder_step(self, step: int) -> dict[str, Tensor]:
        rows = self.tissue_rows.at(step)
        own = torch.from_numpy(self.problem.own[rows].toarray()).to(self.device)
        loss = decoder_loss(self.decoder, self.standardise(self.contexts[rows]), own)
        self._descend("decoder", loss)
        return {"decoder": loss.detach()}

    def _adversarial_step(self, step: int) -> dict[str, Tensor]:
        """`n_critic` critic updates on fresh draws; the encoder then answers for the last of them."""
        turns = self.config.n_critic if self.config.lambda_adv else 1
        for turn in range(step * turns, (step + 1) * turns):
            random = stream(self.seed, "scxm/draw", turn)
            inputs, own = self._fresh(turn, random)
            last = turn == (step + 1) * turns - 1
            with torch.set_grad_enabled(last):
                z = self.standardise(self.encoder(inputs))  # (B, P)
            if self.config.lambda_adv:
                self._critic_update(turn, z.detach(), random)
        consistency = decoder_loss(self.decoder, z, own)
        total = self.consistency_weight * consistency
        if self.config.lambda_adv:
            total = total - self.config.lambda_adv * self.critic(z).mean()  # Eq. 5
        self._descend("encoder", total)
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.encoder.parameters(), strict=True):
                mean.lerp_(value, 1 - AVERAGE_DECAY)
        return {"consistency": consistency.detach(), "total": total.detach()}

    def _critic_update(self, turn: int, fake: Tensor, random: np.random.Generator) -> None:
        real = self.standardise(self.contexts[self.tissue_rows.at(turn)])
        mix = torch.from_numpy(random.random((len(fake), 1), dtype=np.float32)).to(self.device)
        self.critic.requires_grad_(True)
        self._descend("critic", critic_loss(self.critic, real, fake, mix, self.config.gradient_penalty))
        self.critic.requires_grad_(False)

    def _fresh(self, batch: int, random: np.random.Generator) -> tuple[Tensor | States, Tensor]:
        """Reference batch: encoder inputs and the same draw's binary panel (B, P)."""
        return self._read(self.reference_rows.at(batch), random)

    def _read(self, rows: NDArray[np.int64], random: np.random.Generator) -> tuple[Tensor | States, Tensor]:
        if self.memory:
            return self.memory.batch(rows, random)
        drawn = self.problem.draw(rows, random)
        own = (drawn[:, self.problem.panel] > 0).astype(np.float32).toarray()
        assert not isinstance(self.problem.read, Sentences)
        return torch.from_numpy(self.problem.read(drawn)).to(self.device), torch.from_numpy(own).to(self.device)

    def _descend(self, name: str, loss: Tensor) -> None:
        optimiser = self.optimisers[name]
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimiser.step()

    @torch.no_grad()
    def diagnose(self, n_cells: int) -> dict[str, float]:
        """`critic`, `consistency`, `spread`, `shift` and `follow` (see verdict.py) on fresh draws that training never
        uses, and on as many of the tissue's cells."""
        random = stream(self.seed, "scxm/diagnosis")
        inputs, own = self._read(random.integers(self.problem.n_reference, size=n_cells), random)
        z = self.standardise(self.kept(inputs))
        rows = random.integers(len(self.contexts), size=n_cells)
        real = self.standardise(self.contexts[rows])
        theirs = torch.from_numpy(self.problem.own[rows].toarray()).to(self.device)
        return {
            "critic": (self.critic(real).mean() - self.critic(z).mean()).item(),
            "consistency": decoder_loss(self.decoder, z, own).item(),
            "spread": z.std(dim=0).median().item(),
            "shift": z.mean(dim=0).abs().mean().item(),
            "follow": self._explains(z, own) / max(self._explains(real, theirs), LEAST_EXPLAINED),
        }

    def _explains(self, z: Tensor, own: Tensor) -> float:
        """How much worse, relatively, contexts explain cells of like depth than their own cell. Depth is held, for a
        prediction that only tells deep cells from shallow ones would explain its own cell well enough."""
        order = own.sum(dim=1).argsort()
        z, own = z[order], own[order]
        loss = decoder_loss(self.decoder, z, own).item()
        return (decoder_loss(self.decoder, z.roll(1, dims=0), own).item() - loss) / max(loss, 1e-9)

    def tensors(self, step: int) -> dict[str, Tensor]:
        found = self.memory.tensors(min(step, len(self.memory.parts))) if self.memory else {}
        found |= {"watch": self.watch.record} if self.watch else {}
        for name, network in self.networks.items():
            found |= checkpoints.module_tensors(f"network/{name}", network)
        for name, optimiser in self.optimisers.items():
            found |= checkpoints.optimiser_tensors(f"optimiser/{name}", optimiser)
        return found

    def restore(self, tensors: dict[str, Tensor], step: int) -> None:
        if self.memory:
            self.memory.restore(min(step, len(self.memory.parts)), tensors)
        if self.watch:
            self.watch.record = tensors["watch"]
        for name, network in self.networks.items():
            checkpoints.restore_module(f"network/{name}", network, tensors)
        for name, optimiser in self.optimisers.items():
            checkpoints.restore_optimiser(f"optimiser/{name}", optimiser, tensors)


def train(training: Training, run: RunContext, key: dict[str, Any]) -> Outcome:
    """Train from the beginning, or from the checkpoint in `run.folder` if `key` says that it is of this very work.

    Raises UserError when the losses stop being numbers and no earlier checkpoint exists; with one, that is kept and
    `stopped_at` says so.
    """
    first = resume(training, run, key)
    stopped_at: int | None = None
    clock, pause = time.monotonic(), REPORT_S
    for step in range(first, training.steps):
        losses = training.step(step)
        done = step + 1
        if training.exhausted(step):
            run.report(training.steps, training.steps, **_readings(training, losses, done))
            break
        if done % CHECK_STEPS == 0 and not _finite(losses):
            stopped_at = fall_back(training, run, key, done)
            break
        if time.monotonic() - clock < pause and step > first and done < training.steps:
            continue
        clock = time.monotonic()
        if not _finite(losses):
            stopped_at = fall_back(training, run, key, done)
            break
        if run.checkpoint_due():
            checkpoints.save_checkpoint(run.folder, training.tensors(done), {"step": done, "key": key})
        run.report(done, training.steps, **_readings(training, losses, done))
        pause = max(REPORT_S, WATCHING * (time.monotonic() - clock)) if REPORT_S else 0.0
        if done < training.steps and run.should_stop():
            stopped_at = done
            break
    if stopped_at is not None and stopped_at <= training.taught_steps:
        raise UserError(
            "The run was stopped before the encoder was trained.",
            "The first steps teach the decoder only; there is nothing to keep yet.",
            "Resume the run.",
        )
    return Outcome(training.kept, training.decoder, training.diagnose(512), stopped_at)


def resume(training: Training, run: RunContext, key: dict[str, Any]) -> int:
    """Restore a checkpoint of the same work. The step to begin with: 0 without one."""
    found = checkpoints.load_checkpoint(run.folder)
    if found is None or found[1]["key"] != key:
        return 0
    step = int(found[1]["step"])
    training.restore(found[0], step)
    return step


def fall_back(training: Training, run: RunContext, key: dict[str, Any], step: int) -> int:
    """Return to the last finite checkpoint after the losses stopped being numbers."""
    kept = resume(training, run, key)
    if kept > training.taught_steps:
        return kept
    raise UserError(
        f"The training diverged by step {step:,}: its losses are not numbers any more.",
        "The learning rates or the weights are too high for these data.",
        "Lower the learning rates tenfold, or take a preset.",
    )


def _finite(losses: dict[str, Tensor]) -> bool:
    return all(math.isfinite(value.item()) for value in losses.values())


def _readings(training: Training, losses: dict[str, Tensor], done: int) -> dict[str, float]:
    if done <= training.taught_steps:
        return {name: loss.item() for name, loss in losses.items()}
    return training.diagnose(DIAGNOSED_BY_BACKBONE if training.memory else DIAGNOSED)
