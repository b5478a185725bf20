"""A small real method behind the contract: gradient descent from the reference-free pairs of the tissue, in steps."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from backend.analysis.context import context_graph, spatial_context
from backend.methods.contract import Cells, Config, MethodCard, PairedData, Prediction, RunContext, setting


class TinyConfig(Config):
    steps: int = setting(6, "Steps", "Steps of gradient descent.", ge=1, le=100)
    sigma_um: float = setting(20.0, "Radius", "Sigma of the context.", gt=0, le=1000)

    def resolved_sigma_um(self, spots: bool) -> float:
        return self.sigma_um


@dataclass
class TinyFitted:
    weights: np.ndarray
    mean: np.ndarray
    genes: tuple[str, ...]
    stopped_at: int | None = None

    def predict(self, cells: Cells, run: RunContext) -> Prediction:
        run.report(1, 1)
        values = np.clip(_binary(cells) @ self.weights + self.mean, 0, 1).astype(np.float32)
        return Prediction(values, self.genes)

    def save(self, folder: Path) -> None:
        save_file({"weights": self.weights, "mean": self.mean}, folder / "weights.safetensors")
        (folder / "manifest.json").write_text(json.dumps({"genes": self.genes, "stopped_at": self.stopped_at}))


class Tiny:
    card = MethodCard(
        name="tiny",
        title="Tiny",
        paper="",
        question="",
        where="around the cell",
        needs=(),
        gives=(),
        version=1,
        config=TinyConfig,
        presets={},
        minutes=lambda tissue, reference, config: 0.1,
        memory_gb=lambda tissue, reference, genes, config: 0.1,
    )
    fits = 0

    def fit(self, data: PairedData, config: Config, run: RunContext) -> TinyFitted:
        assert isinstance(config, TinyConfig)
        assert data.tissue.coordinates is not None
        Tiny.fits += 1
        panel = [data.input_genes.index(gene) for gene in data.panel_genes]
        graph = context_graph(data.tissue.coordinates, data.tissue.section, config.sigma_um, self_loop=False)
        goal = spatial_context(graph, data.tissue.expression[:, panel])
        inputs, mean = _binary(data.tissue), goal.mean(axis=0)
        weights = np.random.default_rng(run.seed).normal(0, 0.01, (inputs.shape[1], len(panel))).astype(np.float32)
        for step in range(1, config.steps + 1):
            weights -= (0.2 / len(inputs)) * (inputs.T @ (inputs @ weights + mean - goal)).astype(np.float32)
            run.report(step, config.steps, loss=float(np.square(inputs @ weights + mean - goal).mean()))
            if run.should_stop():
                return TinyFitted(weights, mean, data.panel_genes, stopped_at=step)
        return TinyFitted(weights, mean, data.panel_genes)

    def load(self, folder: Path) -> TinyFitted:
        arrays, manifest = load_file(folder / "weights.safetensors"), json.loads((folder / "manifest.json").read_text())
        return TinyFitted(arrays["weights"], arrays["mean"], tuple(manifest["genes"]), manifest["stopped_at"])


def _binary(cells: Cells) -> np.ndarray:
    return np.asarray((cells.expression > 0).todense(), dtype=np.float32)


METHOD = Tiny()
