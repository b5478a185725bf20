"""CASPER behind the contract: fit, impute, attention, save, load."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from backend.errors import DataError
from backend.methods.casper.centroids import Centroids, group_cells
from backend.methods.casper.config import CasperConfig, card
from backend.methods.casper.tasks import (
    GeneTask,
    RegionTask,
    Task,
    gene_task,
    gene_trials,
    region_task,
    region_trials,
)
from backend.methods.casper.train import Training
from backend.methods.casper.units import Units
from backend.methods.contract import Config, Floats, RunContext
from backend.methods.imputation import Attention, FoldView, Imputed, log_tissue
from backend.store.keys import digest
from backend.store.layout import read_json, write_bytes, write_json
from backend.training.checkpoints import below, module_tensors
from backend.training.device import choose_device, repeatable, to_cpu

FORMAT = 1
THREADS = 1  # small networks: threads that wait for each other cost more than they save, and results depend on them


FLOOR = 1e-3  # of the variance: a gene that no centroid varies in is not known for certain


@dataclass(frozen=True)
class Basis:
    """All that a fit is a function of. members: the centroid of each reference cell."""

    view: FoldView
    config: CasperConfig
    seed: int
    members: NDArray[np.int32]

    @cached_property
    def centroids(self) -> Centroids:
        return Centroids(self.view.reference, self.members, self.config.centroids, self.seed)

    @property
    def key(self) -> dict[str, Any]:
        """Names the work, so that no other's checkpoint or file is taken for its own."""
        known = self.view.known
        return {
            "config": self.config.model_dump(),
            "seed": self.seed,
            "version": card.version,
            "genes": digest([self.view.input_genes, self.view.target_genes]),
            "cells": [self.view.tissue.n_cells, self.view.reference.n_cells],
            "known": None if known is None else digest(known.rows.tolist()),
        }

    def task(self, device: str) -> RegionTask | GeneTask:
        made = gene_task if self.view.known is None else region_task
        return made(self.view, self.centroids, self.config, device)

    def trials(self, task: RegionTask | GeneTask) -> Sequence[Task]:
        if isinstance(task, RegionTask):
            return region_trials(task, self.view, self.seed)
        return gene_trials(task, self.seed)

    def slope(self, task: RegionTask | GeneTask, network: torch.nn.Module) -> float:
        """Read off genes while they are hidden, each part in turn."""
        if isinstance(task, RegionTask):
            return 1.0
        hidden = gene_trials(task, self.seed) or [replace(task, aside=task.shown)]
        return float(np.mean([part.slope(network) for part in hidden]))

    def fitted(
        self,
        task: RegionTask | GeneTask,
        network: torch.nn.Module,
        slope: float,
        about: dict[str, Any],
        stopped_at: int | None,
    ) -> CasperFitted:
        """Reads every cell of the tissue once."""
        told: Floats | None = None
        with repeatable(self.seed, THREADS):
            if isinstance(task, RegionTask):
                goals, weights = task.predict(network)
                told = np.maximum(goals.cpu().numpy(), 0.0)
            else:
                weights = task.weights(network)
        units = Units.learn(log_tissue(self.view.tissue), self.centroids.levels(self.view.input_genes)[0])
        return CasperFitted(self, network, weights.cpu().numpy(), told, units, slope, about, stopped_at)


@dataclass
class CasperFitted:
    """weights: n x K. told: n x |T| where the genes were measured elsewhere; slope and units serve where they were not:
    a gene's z-score in the tissue on what was read of it, and its level there."""

    basis: Basis
    network: torch.nn.Module
    weights: Floats
    told: Floats | None
    units: Units
    slope: float
    about: dict[str, Any]
    stopped_at: int | None = None

    def impute(self, genes: tuple[str, ...], run: RunContext) -> Imputed:
        """Log expression at the tissue's median depth. Unmeasured gene: what the centroids express of it, weighed, in
        the range that the tissue's panel suggests for it. doubt: how far centroids that a cell reads differ in the
        gene, over how far what is read differs between cells."""
        if self.told is not None:
            place = {gene: column for column, gene in enumerate(self.basis.view.target_genes)}
            return Imputed(self.told[:, [place[gene] for gene in genes]], genes, units="tissue")
        standard = self.basis.centroids.standard(genes)
        read = self.weights @ standard
        variance = self.weights @ (standard**2 + self.basis.centroids.doubt(genes)) - read**2
        mean, deviation = self.units.of(self.basis.centroids.levels(genes)[0])
        values = mean + self.slope * deviation * (read - read.mean(axis=0))
        within = np.sqrt(np.maximum(variance, 0.0) + FLOOR).mean(axis=0)
        doubt = (within / np.maximum(read.std(axis=0), FLOOR)).astype(np.float32)
        return Imputed(np.maximum(values, 0.0).astype(np.float32), genes, doubt, "tissue")

    def attention(self) -> Attention:
        return Attention(self.weights, self.basis.centroids.members)

    def save(self, folder: Path) -> None:
        """`weights.safetensors` (the network and each reference cell's centroid) and `manifest.json`."""
        from safetensors.torch import save

        tensors = to_cpu(module_tensors("network", self.network))
        tensors["members"] = torch.from_numpy(self.basis.centroids.members)
        manifest = {
            "format": FORMAT,
            "method": card.name,
            "version": card.version,
            "config": self.basis.config.model_dump(),
            "seed": self.basis.seed,
            "key": self.basis.key,
            "slope": self.slope,
            "stopped_at": self.stopped_at,
            "about": self.about,
        }
        write_bytes(folder / "weights.safetensors", save(tensors))
        write_json(folder / "manifest.json", manifest)


class Casper:
    card = card

    def fit(self, view: FoldView, config: Config, run: RunContext) -> CasperFitted:
        """Train on the view; resumes from a checkpoint of the same work in `run.folder`. Raises UserError when training
        diverges at once."""
        assert isinstance(config, CasperConfig)
        basis = Basis(view, config, run.seed, group_cells(view.reference, config.resolution))
        with repeatable(run.seed, THREADS):
            task = basis.task(choose_device(run.device))
            outcome = Training(basis.trials(task), task, config, run, basis.key).go()
            slope = basis.slope(task, outcome.network)
        about = {
            "tissue_cells": view.tissue.n_cells,
            "reference_cells": view.reference.n_cells,
            "centroids": basis.centroids.count,
            "epochs": outcome.epochs,
            "held_out": [max(scores, default=0.0) for scores in outcome.scores],
            "threads": THREADS,
            "device": task.device.type,
            "versions": {name: version(name) for name in ("torch", "numpy", "scipy")}
            | {"python": platform.python_version()},
        }
        return basis.fitted(task, outcome.network, slope, about, outcome.stopped_at)

    def load(self, folder: Path, view: FoldView) -> CasperFitted:
        """Inverse of `save`. Raises DataError for another format, or another view than it was fitted on."""
        from safetensors.torch import load_file

        manifest = read_json(folder / "manifest.json")
        if manifest["format"] != FORMAT or manifest["method"] != card.name:
            raise DataError(f"{folder.name} is not a CASPER model of this version.", mend="Train it again.")
        tensors = load_file(folder / "weights.safetensors")
        config = CasperConfig.model_validate(manifest["config"])
        basis = Basis(view, config, manifest["seed"], tensors["members"].numpy())
        if basis.key != manifest["key"]:
            raise DataError(f"{folder.name} was trained on other cells or genes.", mend="Train it again.")
        with repeatable(basis.seed, THREADS):
            task = basis.task("cpu")
            network = task.network().requires_grad_(False).eval()
            network.load_state_dict(below("network", tensors))
        return basis.fitted(task, network, manifest["slope"], manifest["about"], manifest["stopped_at"])


METHOD = Casper()
