"""Environs behind the contract: fit, predict, save, load."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from backend.errors import DataError
from backend.methods.contract import Cells, Config, Floats, PairedData, Prediction, RunContext
from backend.methods.environs.config import EnvironsConfig, card
from backend.methods.environs.goals import Goals
from backend.methods.environs.learn import build, learn, learn_linear
from backend.methods.environs.linear import Linear
from backend.methods.environs.model import Reader
from backend.methods.environs.reading import Reading
from backend.methods.environs.train import predict
from backend.methods.thinning import Depth, draw_thinned, linear_shares
from backend.store.keys import digest
from backend.store.layout import read_json, write_bytes, write_json
from backend.training import checkpoints
from backend.training.batches import stream
from backend.training.device import repeatable, to_cpu

FORMAT = 2
THREADS = 1  # the networks are small: two threads wait for each other longer than they work
DRAWS = 8  # of a reference cell, as many as SCXM takes


@dataclass
class EnvironsFitted:
    """Networks and the linear map, with all that reading a cell needs. depth: of the tissue, for reference cells."""

    config: EnvironsConfig
    seed: int
    input_genes: tuple[str, ...]
    panel_genes: tuple[str, ...]
    reading: Reading
    depth: Depth
    goals: Goals
    networks: tuple[Reader, ...]
    linear: Linear | None
    alone: bool
    about: dict[str, Any]
    stopped_at: int | None = None

    def predict(self, cells: Cells, run: RunContext) -> Prediction:
        """Context of each cell, n_cells x panel genes, in [0, 1]. Raises GeneMismatch.

        Tissue cells (with coordinates) are read as they were measured. Dissociated cells are drawn as shallow as the
        tissue, and the predictions of a few draws are averaged. All cells given are read together (`own_scale`)."""
        shares = linear_shares(cells.of_genes(self.input_genes))
        draws = DRAWS if cells.coordinates is None else 1
        total = np.zeros((cells.n_cells, self.goals.basis.shape[0]), dtype=np.float32)
        with repeatable(self.seed, THREADS):
            for number in range(draws):
                seen = shares if draws == 1 else self._shallow(shares, number)
                total += self._components(self.reading.read(seen)) / draws
                run.report(number + 1, draws)
        return Prediction(self.goals.context(total, self.alone), self.panel_genes)

    def _shallow(self, shares: csr_matrix, number: int) -> csr_matrix:
        drawn = draw_thinned(shares, self.depth, stream(self.seed, "environs/predict", number))
        return linear_shares(Cells(drawn, self.input_genes, "counts"))

    def _components(self, inputs: Floats) -> Floats:
        """n x G -> n x R: the networks' mean and, where strips showed that it helps, the linear map."""
        if not self.networks:
            assert self.linear is not None
            return self.linear.predict(inputs)
        said = np.mean([predict(net, inputs) for net in self.networks], axis=0)
        if self.linear is not None:
            vote = self.about["vote_of_linear"]
            said = (1 - vote) * said + vote * self.linear.predict(inputs)
        return np.asarray(said, dtype=np.float32)

    def save(self, folder: Path) -> None:
        """`weights.safetensors` and `manifest.json`."""
        from safetensors.torch import save

        tensors: dict[str, Tensor] = {}
        for number, net in enumerate(self.networks):
            tensors |= checkpoints.module_tensors(f"network/{number}", net)
        for part, arrays in self._arrays().items():
            tensors |= {
                f"{part}/{name}": torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()
            }
        manifest = {
            "format": FORMAT,
            "method": card.name,
            "version": card.version,
            "config": self.config.model_dump(),
            "seed": self.seed,
            "input_genes": self.input_genes,
            "panel_genes": self.panel_genes,
            "networks": len(self.networks),
            "widths": self.goals.widths,
            "alone": self.alone,
            "depth": self.reading.total,
            "usual": self.reading.usual if self.reading.usual < float("inf") else None,
            "stopped_at": self.stopped_at,
            "about": self.about,
        }
        write_bytes(folder / "weights.safetensors", save(to_cpu(tensors)))
        write_json(folder / "manifest.json", manifest)

    def _arrays(self) -> dict[str, dict[str, Floats]]:
        found = {
            "reading": self.reading.arrays(),
            "depth": {"factors": self.depth.factors, "depths": self.depth.depths},
            "goals": {"basis": self.goals.basis, "mean": self.goals.mean, "sd": self.goals.sd},
        }
        return found | ({"linear": vars(self.linear)} if self.linear else {})


class Environs:
    card = card

    def fit(self, data: PairedData, config: Config, run: RunContext) -> EnvironsFitted:
        """Learn from the tissue's cells; the reference's serve its terms of the loss, where they have a weight.
        Resumes from a checkpoint of the same work in `run.folder`. Raises DataError, GeneMismatch, and UserError where
        it was stopped before there was anything to keep."""
        assert isinstance(config, EnvironsConfig)
        with repeatable(run.seed, THREADS):
            return _fit(data, config, run)

    def load(self, folder: Path) -> EnvironsFitted:
        """Inverse of `save`. Raises DataError for a folder of another format."""
        from safetensors.torch import load_file

        manifest = read_json(folder / "manifest.json")
        if manifest["format"] != FORMAT or manifest["method"] != card.name:
            raise DataError(f"{folder.name} is not an Environs model of this version.", mend="Train it again.")
        tensors = load_file(folder / "weights.safetensors")
        goals, linear = (_numpy(checkpoints.below(part, tensors)) for part in ("goals", "linear"))
        reading, depth = (_numpy(checkpoints.below(part, tensors)) for part in ("reading", "depth"))
        nets = []
        for number in range(manifest["networks"]):
            net = Reader(int((reading["weight"] > 0).sum()), len(goals["basis"]))
            checkpoints.restore_module(f"network/{number}", net, tensors)
            nets.append(net)
        return EnvironsFitted(
            config=EnvironsConfig.model_validate(manifest["config"]),
            seed=manifest["seed"],
            input_genes=tuple(manifest["input_genes"]),
            panel_genes=tuple(manifest["panel_genes"]),
            reading=Reading(total=manifest["depth"], usual=manifest["usual"] or float("inf"), **reading),
            depth=Depth(**depth),
            goals=Goals(np.empty((0, len(goals["basis"])), dtype=np.float32), widths=manifest["widths"], **goals),
            networks=tuple(nets),
            linear=Linear(**linear) if linear else None,
            alone=manifest["alone"],
            about=manifest["about"],
            stopped_at=manifest["stopped_at"],
        )


def _fit(data: PairedData, config: EnvironsConfig, run: RunContext) -> EnvironsFitted:
    if not (config.networks or config.linear):
        raise DataError("Nothing is left to predict with.", mend="Keep the linear map, or some networks.")
    problem = build(data, config, run.seed)
    key = {
        "config": config.model_dump(),
        "seed": run.seed,
        "version": card.version,
        "genes": digest([data.input_genes, data.panel_genes]),
        "cells": [data.tissue.n_cells, data.reference.n_cells],
    }
    networks, choice, stopped_at = learn(problem, config, run, key)
    linear = learn_linear(problem, networks) if choice.vote else None
    about = {
        "tissue_cells": len(problem.truth),
        "reference_cells": data.reference.n_cells,
        "sigma_um": config.resolved_sigma_um(data.spots),
        "hidden": choice.hidden,
        "steps": choice.steps,
        "strip_score": None if choice.score != choice.score else choice.score,
        "penalty": problem.penalty if linear else None,
        "vote_of_linear": choice.vote,
        "threads": THREADS,
        "device": "cpu",
        "versions": {name: version(name) for name in ("torch", "numpy", "scipy")}
        | {"python": platform.python_version()},
    }
    return EnvironsFitted(
        config, run.seed, problem.genes, data.panel_genes, problem.reading, problem.depth, problem.lesson.goals,
        networks, linear, choice.alone, about, stopped_at,
    )  # fmt: skip


def _numpy(tensors: dict[str, Tensor]) -> dict[str, Any]:
    return {name: tensor.numpy() for name, tensor in tensors.items()}


METHOD = Environs()
