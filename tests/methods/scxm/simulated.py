"""A small tissue whose surroundings depend on a cell's state, and dissociated cells of the same states, deeper."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from backend.methods.contract import Cells, PairedData

SIDE_UM, NICHES = 600.0, 3


@dataclass
class FakeRun:
    folder: Path
    seed: int = 0
    threads: int = 1
    device: str = "cpu"
    kill_at: int = -1
    stop_at: int = -1
    steps_seen: list[int] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)

    def report(self, step: int, steps: int, **metrics: float) -> None:
        self.steps_seen.append(step)
        self.metrics = metrics
        if step == self.kill_at:
            raise KeyboardInterrupt

    def should_stop(self) -> bool:
        return bool(self.steps_seen) and self.steps_seen[-1] == self.stop_at

    def checkpoint_due(self) -> bool:
        return True


@dataclass(frozen=True)
class Truth:
    tissue: Cells
    reference: Cells
    reference_niche: np.ndarray
    genes: tuple[str, ...]
    panel: tuple[str, ...]

    def pair(self, tissue: Cells | None = None) -> PairedData:
        return PairedData(tissue or self.tissue, self.reference, self.genes, self.panel)


def simulate(n_tissue: int = 600, n_reference: int = 400, n_genes: int = 60, n_panel: int = 40, seed: int = 0) -> Truth:
    """Three stripes along y are three niches; each raises a third of the genes in its cells, so a cell's own expression
    says whom it has around it. The reference is four times as deep, and each gene is caught with another efficiency."""
    random = np.random.default_rng(seed)
    genes = tuple(f"G{number:03d}" for number in range(n_genes))
    base = random.gamma(2.0, 0.15, n_genes)
    raised = np.array([np.where(np.arange(n_genes) % NICHES == niche, 5.0, 1.0) for niche in range(NICHES)])
    efficiency = random.lognormal(0.0, 0.5, n_genes)
    xy = random.uniform(0.0, SIDE_UM, (n_tissue, 2)).astype(np.float32)
    niche = (xy[:, 1] // (SIDE_UM / NICHES)).astype(int).clip(0, NICHES - 1)
    reference_niche = random.integers(NICHES, size=n_reference)
    tissue = random.poisson(base * raised[niche])
    reference = random.poisson(4.0 * efficiency * base * raised[reference_niche])
    return Truth(
        Cells(csr_matrix(tissue, dtype=np.float32), genes, "counts", xy, np.zeros(n_tissue, dtype=np.int32)),
        Cells(csr_matrix(reference, dtype=np.float32), genes, "counts"),
        reference_niche,
        genes,
        genes[:n_panel],
    )


def rows(cells: Cells, chosen: np.ndarray) -> Cells:
    assert cells.coordinates is not None
    assert cells.section is not None
    return Cells(
        csr_matrix(cells.expression[chosen]), cells.genes, cells.scale, cells.coordinates[chosen], cells.section[chosen]
    )


def median_pcc(truth: np.ndarray, predicted: np.ndarray) -> float:
    truth, predicted = truth - truth.mean(axis=0), predicted - predicted.mean(axis=0)
    scale = np.sqrt((truth**2).sum(axis=0) * (predicted**2).sum(axis=0))
    return float(
        np.median(np.divide((truth * predicted).sum(axis=0), scale, out=np.zeros_like(scale), where=scale > 0))
    )
