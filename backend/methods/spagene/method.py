"""SpaGene behind the contract: fit, impute, save, load."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from backend.errors import DataError
from backend.methods.contract import Config, Floats, RunContext
from backend.methods.imputation import FoldView, Imputed
from backend.methods.spagene.config import SpageneConfig, card
from backend.methods.spagene.inputs import ReferenceReading, TissueReading, build_problem
from backend.methods.spagene.model import Networks
from backend.methods.spagene.train import in_batches, train
from backend.store.keys import digest
from backend.store.layout import read_json, write_bytes, write_json
from backend.training.checkpoints import module_tensors, restore_module
from backend.training.device import choose_device, repeatable, to_cpu

FORMAT = 1
KEPT = ("encode_tissue", "to_reference", "decode_reference")  # what imputing needs; the rest served training
THREADS = 1  # as for SCXM: on a busy machine threads that wait for each other are slower than one
PORTION = 1000
RIDGE = 2.0  # of the mean squared activation; at .01 a third of the score on masked input genes was lost


@dataclass
class SpageneFitted:
    """Encoder, translator and the decoder up to its last layer; `weight` (targets x H) and `bias` are that layer for
    the view's target genes alone."""

    view: FoldView
    config: SpageneConfig
    seed: int
    reading: TissueReading
    networks: Networks
    weight: Floats
    bias: Floats
    metrics: dict[str, float]
    about: dict[str, Any]
    stopped_at: int | None = None
    _hidden: Floats | None = field(default=None, repr=False)

    def impute(self, genes: tuple[str, ...], run: RunContext) -> Imputed:
        """D_sc(T(E_st(x))) at `genes`, n x len(genes), in square roots of the reference's values, at least 0."""
        place = {gene: row for row, gene in enumerate(self.view.target_genes)}
        rows = [place[gene] for gene in genes]
        values = self._decoded() @ self.weight[rows].T + self.bias[rows]
        return Imputed(np.maximum(values, 0, dtype=np.float32), genes, units="reference")

    def attention(self) -> None:
        return None

    def _decoded(self) -> Floats:
        """n x H: every tissue cell at the decoder's last hidden layer. Read once."""
        if self._hidden is None:
            tissue = torch.from_numpy(self.reading.read(self.view.tissue))
            with repeatable(self.seed, THREADS):
                self._hidden = in_batches(self.networks.eval().decoder_hidden, tissue).numpy()
        return self._hidden

    def save(self, folder: Path) -> None:
        """`weights.safetensors` (networks that impute, last layer, input limits) and `manifest.json`."""
        from safetensors.torch import save

        tensors: dict[str, Tensor] = {}
        for part in KEPT:
            tensors |= to_cpu(module_tensors(part, getattr(self.networks, part)))
        for name, array in (("weight", self.weight), ("bias", self.bias), ("limits", self.reading.limits)):
            tensors[name] = torch.from_numpy(np.ascontiguousarray(array))
        manifest = {
            "format": FORMAT,
            "method": card.name,
            "version": card.version,
            "config": self.config.model_dump(),
            "seed": self.seed,
            "genes_read": self.reading.genes,
            "depth": self.reading.depth,
            "reference_genes": self.about["reference_genes"],
            "targets": digest(self.view.target_genes),
            "stopped_at": self.stopped_at,
            "metrics": self.metrics,
            "about": self.about,
        }
        write_bytes(folder / "weights.safetensors", save(tensors))
        write_json(folder / "manifest.json", manifest)


class Spagene:
    card = card

    def fit(self, view: FoldView, config: Config, run: RunContext) -> SpageneFitted:
        """Train on `view`; resumes from a checkpoint of the same work in `run.folder`. Raises UserError when training
        diverges, or was stopped, before there was anything to keep."""
        assert isinstance(config, SpageneConfig)
        device = choose_device(run.device)
        with repeatable(run.seed, THREADS):
            problem = build_problem(view, config)
            key = {
                "config": config.model_dump(),
                "seed": run.seed,
                "version": card.version,
                "genes": digest([problem.tissue_reading.genes, problem.reference_reading.core]),
                "cells": digest([len(problem.tissue), len(problem.reference)]),
            }
            outcome = train(problem, config, run, device, key)
            networks = outcome.networks.eval().cpu()
            hidden = in_batches(networks.reference_hidden, torch.from_numpy(problem.reference))
            weight, bias = last_layer(networks, hidden, problem.reference_reading, view.target_genes)
        return SpageneFitted(
            view=view,
            config=config,
            seed=run.seed,
            reading=problem.tissue_reading,
            networks=networks,
            weight=weight,
            bias=bias,
            metrics=outcome.metrics,
            about={
                "tissue_cells": len(problem.tissue),
                "tissue_cells_trained_on": len(problem.tissue_rows),
                "reference_cells": len(problem.reference),
                "reference_cells_trained_on": len(problem.reference_rows),
                "reference_genes": len(problem.reference_reading.core),
                "diverged": outcome.diverged,
                "threads": THREADS,
                "device": device,
                "versions": {name: version(name) for name in ("torch", "numpy", "scipy")}
                | {"python": platform.python_version()},
            },
            stopped_at=outcome.stopped_at,
        )

    def load(self, folder: Path, view: FoldView) -> SpageneFitted:
        """Inverse of `save`. Raises DataError for a folder of another format or of other target genes."""
        from safetensors.torch import load_file

        manifest = read_json(folder / "manifest.json")
        if manifest["format"] != FORMAT or manifest["method"] != card.name:
            raise DataError(f"{folder.name} is not a SpaGene model of this version.", mend="Train it again.")
        if manifest["targets"] != digest(view.target_genes):
            raise DataError(f"{folder.name} was fitted for other genes.", mend="Train it again.")
        config = SpageneConfig.model_validate(manifest["config"])
        tensors = load_file(folder / "weights.safetensors")
        genes = tuple(manifest["genes_read"])
        networks = Networks(len(genes), manifest["reference_genes"], config).requires_grad_(False).eval()
        for part in KEPT:
            restore_module(part, getattr(networks, part), tensors)
        return SpageneFitted(
            view=view,
            config=config,
            seed=manifest["seed"],
            reading=TissueReading(genes, tensors["limits"].numpy(), manifest["depth"]),
            networks=networks,
            weight=tensors["weight"].numpy(),
            bias=tensors["bias"].numpy(),
            metrics=manifest["metrics"],
            about=manifest["about"],
            stopped_at=manifest["stopped_at"],
        )


def last_layer(
    networks: Networks, hidden: Tensor, reference: ReferenceReading, targets: tuple[str, ...]
) -> tuple[Floats, Floats]:
    """The decoder's last layer for the target genes: weight (targets x H) and bias.

    hidden: m x H, the reference's cells at the decoder's last hidden layer. Genes that the decoder learnt have their
    layer. For the others it is solved: the same squared error, in closed form, with a small ridge."""
    trained = networks.decode_reference[-1]
    assert isinstance(trained, nn.Linear)
    weight, bias = np.empty((len(targets), hidden.shape[1]), dtype=np.float32), np.empty(len(targets), dtype=np.float32)
    core = {gene: column for column, gene in enumerate(reference.core)}
    known = [row for row, gene in enumerate(targets) if gene in core]
    columns = [core[targets[row]] for row in known]
    weight[known], bias[known] = trained.weight.detach().numpy()[columns], trained.bias.detach().numpy()[columns]
    others = [row for row, gene in enumerate(targets) if gene not in core]
    if not others:
        return weight, bias
    mean = hidden.double().mean(dim=0)
    centred = hidden.double() - mean
    gram = centred.T @ centred
    gram.diagonal().add_(RIDGE * gram.diagonal().mean().clamp_min(1e-12))
    solver = torch.linalg.solve(gram, centred.T).numpy()  # H x m
    for start in range(0, len(others), PORTION):
        rows = others[start : start + PORTION]
        values = reference.read(tuple(targets[row] for row in rows)).astype(np.float64)
        weight[rows] = (solver @ values).T
        bias[rows] = values.mean(axis=0) - weight[rows] @ mean.numpy()
    return weight, bias


METHOD = Spagene()
