"""Scales and maps."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from backend.datasets import expression
from tests.datasets.raws import counts


def test_log_normalising_undoes_a_log_first() -> None:
    raw = csr_matrix(counts())
    direct = expression.log_normalise(raw, "counts")
    by_log = expression.log_normalise(raw.log1p(), "log")
    np.testing.assert_allclose(by_log.toarray(), direct.toarray(), rtol=1e-4)
    np.testing.assert_allclose(direct.expm1().sum(axis=1), 1e4, rtol=1e-4)


def test_an_empty_cell_stays_empty() -> None:
    values = counts()
    values[0] = 0
    assert expression.log_normalise(csr_matrix(values), "counts")[0].nnz == 0


def test_the_map_repeats_itself_and_samples_what_is_large(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    values = csr_matrix(counts())
    first = expression.umap(values, "counts")
    np.testing.assert_array_equal(first, expression.umap(values, "counts"))
    monkeypatch.setattr(expression, "UMAP_CELLS", 60)
    part = expression.umap(values, "counts")
    assert part is not None
    assert int(np.isfinite(part[:, 0]).sum()) == 60


def test_more_cells_than_scanpy_searches_exactly_are_grouped_too() -> None:
    rng = np.random.default_rng(0)
    values = rng.poisson(1.0, (8300, 20)).astype(np.float32)
    values[:4000, :10] += 20
    values[4000:, 10:] += 20
    labels = expression.leiden(csr_matrix(values), "counts", 0.1, 0)
    assert set(labels[:4000]).isdisjoint(labels[4000:])
