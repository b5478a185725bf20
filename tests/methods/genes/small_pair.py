"""A tissue and a reference drawn from the same four types, so that what a hidden gene should be is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from backend.methods.contract import Cells
from backend.methods.imputation import FoldView, Known

INPUTS = tuple(f"IN{i:02d}" for i in range(24))
TARGETS = tuple(f"T{i}" for i in range(6))
GENES = INPUTS + TARGETS + tuple(f"ZZ{i}" for i in range(10))


@dataclass
class Run:
    """stop_after: asks for an early end from that question on."""

    device: str = "cpu"
    seed: int = 0
    threads: int = 1
    folder: Path = Path()
    stop_after: int | None = None
    asked: int = 0

    def report(self, step: int, steps: int, **metrics: float) -> None: ...

    def should_stop(self) -> bool:
        self.asked += 1
        return self.stop_after is not None and self.asked > self.stop_after

    def checkpoint_due(self) -> bool:
        return False


def view(n: int = 150, m: int = 120, known: bool = False) -> tuple[FoldView, np.ndarray]:
    """(view, n x targets: what each tissue cell expresses of them on average, before any counting)."""
    rng = np.random.default_rng(0)
    means = rng.gamma(0.6, 4.0, (4, len(GENES))) + 0.05
    kind, kind_there = rng.integers(4, size=n), rng.integers(4, size=m)
    tissue = rng.poisson(means[kind] * rng.lognormal(0, 0.3, (n, 1)))
    reference = rng.poisson(means[kind_there] * rng.lognormal(1, 0.3, (m, 1)))
    at = [GENES.index(gene) for gene in TARGETS]
    places = rng.uniform(0, 500, (n, 2)).astype(np.float32)
    seen = Cells(sparse(tissue[:, : len(INPUTS)]), INPUTS, "counts", places)
    rows = np.arange(0, n, 2)
    told = Known(rows, sparse(tissue[rows][:, at])) if known else None
    return FoldView(seen, Cells(sparse(reference), GENES, "counts"), TARGETS, told), means[kind][:, at]


def sparse(values: np.ndarray) -> csr_matrix:
    return csr_matrix(np.asarray(values, dtype=np.float32))


def with_reference(view: FoldView, values: np.ndarray, scale: str = "counts") -> FoldView:
    return replace(view, reference=Cells(sparse(values), view.reference.genes, scale))  # type: ignore[arg-type]


def mean_correlation(truth: np.ndarray, values: np.ndarray) -> float:
    return float(np.mean([np.corrcoef(truth[:, g], values[:, g])[0, 1] for g in range(truth.shape[1])]))
