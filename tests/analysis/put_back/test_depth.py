from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from backend.analysis.put_back.depth import alike, log_scaled, middle_total


def test_reference_cells_become_as_shallow_as_the_tissue_gene_by_gene() -> None:
    random = np.random.default_rng(0)
    deep = csr_matrix(random.poisson(np.array([30.0, 10, 60, 0]), (3000, 4)), dtype=np.float32)
    shallow = csr_matrix(random.poisson(np.array([0.3, 0.6, 0.1, 0.5]), (2000, 4)), dtype=np.float32)
    drawn = next(alike(deep, "counts", shallow, "counts", seed=0))
    assert np.allclose(np.asarray(drawn.mean(axis=0)).ravel()[:3], [0.3, 0.6, 0.1], atol=0.05)
    assert drawn[:, 3].sum() == 0  # what the reference never shows cannot be drawn
    assert (drawn.data == np.rint(drawn.data)).all()


def test_draws_are_the_same_for_a_seed_and_differ_from_each_other() -> None:
    cells = csr_matrix(np.random.default_rng(0).poisson(5, (50, 6)), dtype=np.float32)
    first, second = (alike(cells, "counts", cells, "counts", seed=1) for _ in range(2))
    one = next(first)
    assert (one != next(second)).nnz == 0
    assert (one != next(first)).nnz > 0


def test_log_values_are_undone_and_empty_cells_stay_empty() -> None:
    counts = np.array([[3.0, 1.0], [0.0, 0.0]])
    logged = csr_matrix(np.log1p(counts))
    assert np.allclose(log_scaled(logged, "log", 4.0), np.log1p(counts), atol=1e-6)
    assert middle_total(logged, "log") == 4.0
    assert np.isfinite(next(alike(logged, "log", logged, "log", seed=0)).data).all()
