"""SCXM behind the contract: fit, predict, save, load."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from torch import Tensor

from backend.errors import DataError
from backend.methods.contract import Cells, Config, Floats, PairedData, Prediction, RunContext
from backend.methods.scxm.attention import by_gene, keep_top
from backend.methods.scxm.backbone.reader import Sentences
from backend.methods.scxm.backbone.source import Source, open_source
from backend.methods.scxm.config import ScxmConfig, card
from backend.methods.scxm.cost import BACKBONE_DRAWS
from backend.methods.scxm.encoders import Encoder, build_encoder
from backend.methods.scxm.inputs import FIRST_GENE, LogInput, RankInput
from backend.methods.scxm.model import Decoder, MlpEncoder
from backend.methods.scxm.problem import Problem, Reader, build_problem
from backend.methods.scxm.train import Training, train
from backend.methods.scxm.verdict import verdict
from backend.methods.thinning import Depth, draw_thinned, linear_shares
from backend.store.keys import digest
from backend.store.layout import read_json, write_bytes, write_json
from backend.training.batches import stream
from backend.training.checkpoints import below, module_tensors
from backend.training.device import choose_device, repeatable, to_cpu

PREDICT_BATCH = 512
DRAWS = 8  # on simulated cells of known surroundings: .274 with one draw, .301 with 8, .303 with 16, .289 unthinned
FORMAT = 1
# Our own networks are small, and on a busy machine two threads that wait for each other took six to twelve times as
# long as one. One thread also makes results independent of the thread setting. A published backbone is not small: it
# takes all threads there are.
THREADS = 1


@dataclass
class ScxmFitted:
    """A trained encoder with all that reading a cell needs."""

    config: ScxmConfig
    seed: int
    input_genes: tuple[str, ...]
    panel_genes: tuple[str, ...]
    encoder: Encoder
    decoder: Decoder
    read: Reader
    depth: Depth | None
    metrics: dict[str, float]
    about: dict[str, Any]
    stopped_at: int | None = None
    backbone: str = ""  # the fingerprint of its weights, of which only what was trained is saved

    @property
    def verdict(self) -> tuple[str, str]:
        return verdict(self.metrics)

    def predict(self, cells: Cells, run: RunContext) -> Prediction:
        """Context of each cell, n_cells x panel genes, in [0, 1]. Raises GeneMismatch.

        Tissue cells (with coordinates) are read as they were measured. Dissociated cells are thinned to the training
        tissue's depth first, as in training, and the predictions of a few draws are averaged. An encoder with attention
        adds `extras["attention"]`: cells x input genes, sparse, the strongest genes of each cell (mean over heads).
        """
        expression = cells.expression_of(self.input_genes)
        shares = linear_shares(Cells(expression, self.input_genes, cells.scale))
        thin = self.depth if cells.coordinates is None else None
        values = np.empty((cells.n_cells, len(self.panel_genes)), dtype=np.float32)
        attention: list[csr_matrix] = []
        device = choose_device(run.device)
        self.encoder.to(device).eval()
        with repeatable(self.seed, threads(self.config, run)), torch.inference_mode():
            for start in range(0, cells.n_cells, PREDICT_BATCH):
                rows = slice(start, start + PREDICT_BATCH)
                values[rows], looked_at = self._predict_batch(shares[rows], thin, start, device)
                attention += looked_at
                run.report(min(start + PREDICT_BATCH, cells.n_cells), cells.n_cells)
        extras = {"attention": csr_matrix(vstack(attention))} if attention else {}
        return Prediction(values, self.panel_genes, extras)

    def _predict_batch(
        self, shares: csr_matrix, thin: Depth | None, start: int, device: str
    ) -> tuple[Floats, list[csr_matrix]]:
        draws = (BACKBONE_DRAWS if self.backbone else DRAWS) if thin else 1
        values = np.zeros((shares.shape[0], len(self.panel_genes)), dtype=np.float32)
        looked_at = csr_matrix(shares.shape, dtype=np.float32)
        for number in range(draws):
            random = stream(self.seed, f"scxm/predict/{number}", start)
            drawn = draw_thinned(shares, thin, random) if thin else shares
            inputs: NDArray[Any] = self.read(drawn)
            tensor = torch.from_numpy(inputs).to(device)
            if isinstance(self.read, LogInput):
                values += self.encoder(tensor).cpu().numpy() / draws
                continue
            assert not isinstance(self.encoder, MlpEncoder)
            cls, heads = self.encoder.read(tensor)
            values += torch.sigmoid(self.encoder.head(cls)).cpu().numpy() / draws
            gene_tokens = self.read.genes_of(inputs) + FIRST_GENE  # as `by_gene` knows them, whatever the vocabulary
            looked_at = looked_at + by_gene(heads.mean(dim=1).cpu().numpy(), gene_tokens, shares.shape[1])
        return values, [] if isinstance(self.read, LogInput) else [keep_top(looked_at / np.float32(draws))]

    def save(self, folder: Path) -> None:
        """`weights.safetensors` (networks and input statistics) and `manifest.json`."""
        from safetensors.torch import save

        tensors = to_cpu(module_tensors("encoder", self.encoder) | module_tensors("decoder", self.decoder))
        for name, array in ({**self.read.arrays(), **_depth_arrays(self.depth)}).items():
            tensors[f"input/{name}"] = torch.from_numpy(np.ascontiguousarray(array))
        manifest = {
            "format": FORMAT,
            "method": card.name,
            "version": card.version,
            "config": self.config.model_dump(),
            "seed": self.seed,
            "input_genes": self.input_genes,
            "panel_genes": self.panel_genes,
            "backbone": self.backbone,
            "stopped_at": self.stopped_at,
            "metrics": self.metrics,
            "verdict": self.verdict,
            "about": self.about,
        }
        write_bytes(folder / "weights.safetensors", save(tensors))
        write_json(folder / "manifest.json", manifest)


class Scxm:
    card = card

    def fit(self, data: PairedData, config: Config, run: RunContext) -> ScxmFitted:
        """Train on `data`; resumes from a checkpoint of the same work in `run.folder`. Raises DataError, GeneMismatch,
        and UserError when training diverges or was stopped before there was anything to keep."""
        assert isinstance(config, ScxmConfig)
        device = choose_device(run.device)
        source = open_source(config.encoder) if config.backbone else None
        with repeatable(run.seed, threads(config, run)):
            problem = build_problem(data, config, run.seed, source.vocabulary if source else None)
            key = {
                "config": config.model_dump(),
                "seed": run.seed,
                "version": card.version,
                "genes": digest([data.input_genes, data.panel_genes]),
                "cells": [len(problem.contexts), problem.n_reference],
                "backbone": source.fingerprint if source else "",
            }
            outcome = train(Training(problem, config, run.seed, device, source), run, key)
        return ScxmFitted(
            config=config,
            seed=run.seed,
            input_genes=data.input_genes,
            panel_genes=data.panel_genes,
            encoder=outcome.encoder,
            decoder=outcome.decoder,
            read=problem.read,
            depth=problem.depth,
            metrics=outcome.metrics,
            about={
                "tissue_cells": len(problem.contexts),
                "reference_cells": problem.n_reference,
                "sigma_um": config.resolved_sigma_um(data.spots),
                "cells_per_input": problem.cells_per_input,
                "threads": threads(config, run),
                "device": device,
                **_about_backbone(problem, config),
                "versions": {name: version(name) for name in ("torch", "numpy", "scipy")}
                | {"python": platform.python_version()},
            },
            stopped_at=outcome.stopped_at,
            backbone=source.fingerprint if source else "",
        )

    def load(self, folder: Path) -> ScxmFitted:
        """Inverse of `save`. Raises DataError for a folder of another format, and NotFound where the backbone that the
        model was trained on is not here."""
        from safetensors.torch import load_file

        manifest = read_json(folder / "manifest.json")
        if manifest["format"] != FORMAT or manifest["method"] != card.name:
            raise DataError(f"{folder.name} is not an SCXM model of this version.", mend="Train it again.")
        config = ScxmConfig.model_validate(manifest["config"])
        tensors = load_file(folder / "weights.safetensors")
        inputs, panel = tuple(manifest["input_genes"]), tuple(manifest["panel_genes"])
        source = open_source(config.encoder, manifest["backbone"]) if config.backbone else None
        # Frozen like those that training hands over: torch rounds differently where gradients could be wanted.
        blocks = manifest["about"].get("trainable_blocks", 0)
        encoder = build_encoder(config, len(inputs), len(panel), source, blocks).requires_grad_(False)
        decoder = Decoder(len(panel), config.hidden).requires_grad_(False)
        encoder.load_state_dict(below("encoder", tensors))
        decoder.load_state_dict(below("decoder", tensors))
        read, depth = _restore_inputs(below("input", tensors), config, source)
        return ScxmFitted(
            config=config,
            seed=manifest["seed"],
            input_genes=inputs,
            panel_genes=panel,
            encoder=encoder,
            decoder=decoder,
            read=read,
            depth=depth,
            metrics=manifest["metrics"],
            about=manifest["about"],
            stopped_at=manifest["stopped_at"],
            backbone=manifest.get("backbone", ""),
        )


def threads(config: ScxmConfig, run: RunContext) -> int:
    return run.threads if config.backbone else THREADS


def _about_backbone(problem: Problem, config: ScxmConfig) -> dict[str, int]:
    if not isinstance(problem.read, Sentences):
        return {}
    return {
        "trainable_blocks": config.resolved_trainable_blocks(problem.n_reference),
        "genes_in_vocabulary": problem.read.n_known,
    }


def _depth_arrays(depth: Depth | None) -> dict[str, np.ndarray]:
    return {} if depth is None else {"factors": depth.factors, "depths": depth.depths}


def _restore_inputs(
    tensors: dict[str, Tensor], config: ScxmConfig, source: Source | None
) -> tuple[Reader, Depth | None]:
    arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
    depth = Depth(arrays["factors"], arrays["depths"]) if "factors" in arrays else None
    if source:
        return Sentences(arrays["tokens"], arrays["token_medians"], source.layout.version), depth
    if config.encoder == "transformer":
        return RankInput(arrays["medians"], config.max_tokens), depth
    return LogInput(float(arrays["total"][0]), arrays["mean"], arrays["sd"]), depth


METHOD = Scxm()
