"""Small `Raw` objects to examine: a tissue on no grid, cells 10 units apart, 30 genes with human symbols."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from backend.datasets.doctor import Diagnosis, examine
from backend.datasets.raw import Matrix, Raw
from backend.records import Answers, Finding, Role

GENES = tuple(f"GENE{i}" for i in range(30))


def counts(n_cells: int = 120, n_genes: int = 30, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).poisson(2.0, (n_cells, n_genes)).astype(np.float32)


def places(n_cells: int = 120, spacing: float = 10.0, seed: int = 0) -> np.ndarray:
    """A jittered grid: neighbours about `spacing` apart, as between cells."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(n_cells)))
    grid = np.array([(i % side, i // side) for i in range(n_cells)], dtype=float).reshape(-1, 2)
    return (grid + rng.uniform(-0.25, 0.25, grid.shape)) * spacing


def hexagonal(n_cells: int = 120, pitch: float = 137.0) -> np.ndarray:
    side = int(np.ceil(np.sqrt(n_cells)))
    rows, columns = np.arange(n_cells) // side, np.arange(n_cells) % side
    return np.column_stack([(columns + 0.5 * (rows % 2)) * pitch, rows * pitch * np.sqrt(3) / 2])


def make_raw(values: Any = None, *, genes: Any = None, obs: Any = None, where: Any = None, **other: Any) -> Raw:
    """A tissue unless `where` is False. `values`: one matrix, or a dict of them."""
    values = counts() if values is None else values
    named = values if isinstance(values, dict) else {"X": values}
    n_cells = next(iter(named.values())).shape[0]
    features = genes if isinstance(genes, pd.DataFrame) else None
    matrices = {}
    for name, matrix in named.items():
        index = list(genes or GENES[: matrix.shape[1]]) if features is None else []
        table = pd.DataFrame(index=index) if features is None else features
        matrices[name] = Matrix(csr_matrix(matrix), table)
    table = pd.DataFrame(obs or {}, index=[f"cell{i}" for i in range(n_cells)])
    spots = {} if where is False else {"obsm/spatial": places(n_cells) if where is None else where}
    return Raw("test.h5ad", matrices, table, spots, **other)


def look(raw: Raw, role: Role = "tissue", **answers: Any) -> Diagnosis:
    return examine(raw, role, Answers(**answers))


def codes(diagnosis: Diagnosis, grade: str) -> set[str]:
    return {finding.code for finding in diagnosis.findings if finding.grade == grade}


def finding(diagnosis: Diagnosis, code: str) -> Finding:
    (found,) = [finding for finding in diagnosis.findings if finding.code == code]
    return found
