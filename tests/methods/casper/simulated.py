"""A small tissue and a reference of the same four types, in which some genes follow a type and some follow nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from backend.methods.contract import Cells
from backend.methods.imputation import FoldView, Known

TYPES, SIDE_UM = 4, 500.0


@dataclass
class FakeRun:
    folder: Path
    seed: int = 0
    threads: int = 1
    device: str = "cpu"
    kill_at: int = -1
    stop_at: int = -1
    steps_seen: list[int] = field(default_factory=list)

    def report(self, step: int, steps: int, **metrics: float) -> None:
        assert step <= steps
        self.steps_seen.append(step)
        if step == self.kill_at:
            raise KeyboardInterrupt

    def should_stop(self) -> bool:
        return bool(self.steps_seen) and self.steps_seen[-1] == self.stop_at

    def checkpoint_due(self) -> bool:
        return True


@dataclass(frozen=True)
class Truth:
    """expected: n x targets, the mean counts that the target genes have in each cell's type."""

    view: FoldView
    expected: np.ndarray
    types: np.ndarray
    counts: np.ndarray  # n x targets, measured

    def measured_in(self, rows: np.ndarray) -> FoldView:
        known = Known(np.sort(rows), csr_matrix(self.counts[np.sort(rows)], dtype=np.float32))
        return FoldView(self.view.tissue, self.view.reference, self.view.target_genes, known)


def simulate(
    n_tissue: int = 500, n_reference: int = 300, n_inputs: int = 30, n_targets: int = 8, seed: int = 0
) -> Truth:
    random = np.random.default_rng(seed)
    n_genes = n_inputs + n_targets
    genes = tuple(f"G{number:03d}" for number in range(n_genes))
    rate = random.gamma(2.0, 0.5, n_genes) * np.where(np.arange(n_genes) % TYPES == np.arange(TYPES)[:, None], 6.0, 1.0)
    own, other = random.integers(TYPES, size=n_tissue), random.integers(TYPES, size=n_reference)
    depth = random.gamma(8.0, 1 / 8.0, n_tissue)
    tissue = random.poisson(rate[own] * depth[:, None]).astype(np.float32)
    tissue[tissue[:, :n_inputs].sum(axis=1) == 0, 0] = 1.0
    reference = random.poisson(5.0 * rate[other]).astype(np.float32)
    place = random.uniform(0.0, SIDE_UM, (n_tissue, 2)).astype(np.float32)
    cells = Cells(csr_matrix(tissue[:, :n_inputs]), genes[:n_inputs], "counts", place)
    view = FoldView(cells, Cells(csr_matrix(reference), genes, "counts"), genes[n_inputs:])
    return Truth(view, rate[own][:, n_inputs:], own, tissue[:, n_inputs:])


def mean_pcc(truth: np.ndarray, told: np.ndarray) -> float:
    return float(np.mean([np.corrcoef(x, y)[0, 1] if y.std() > 0 else 0.0 for x, y in zip(truth.T, told.T)]))
