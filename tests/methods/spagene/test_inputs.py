from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from backend.methods.contract import Cells
from backend.methods.imputation import FoldView
from backend.methods.spagene.config import SpageneConfig
from backend.methods.spagene.inputs import build_problem, clip_limits, dense_cells, scaled, variability

GENES = ("A", "B", "C", "D")


def cells(values: np.ndarray, genes: tuple[str, ...], scale: str = "counts") -> Cells:
    return Cells(csr_matrix(values, dtype=np.float32), genes, scale)  # type: ignore[arg-type]


def view(tissue: np.ndarray, reference: np.ndarray, scale: str = "counts") -> FoldView:
    return FoldView(cells(tissue, ("A", "B")), cells(reference, GENES, scale), ("C", "D"))


def test_values_are_clipped_at_two_deviations_above_the_mean_of_those_above_zero() -> None:
    values = csr_matrix(np.array([[0, 0], [2, 0], [4, 0], [6, 0]], dtype=np.float32))
    assert clip_limits(values) == pytest.approx([4 + 2 * np.sqrt(8 / 3), 0.0])
    many = np.array([[1.0]] * 20 + [[101.0]], dtype=np.float32)
    reading = build_problem(FoldView(cells(many, ("A",)), cells(many, ("A",)), ()), SpageneConfig(depth="raw"))
    mean, sd = many.mean(), many.std()
    assert reading.tissue[:, 0] == pytest.approx(np.sqrt(np.minimum(many[:, 0], mean + 2 * sd)), rel=1e-5)


def test_matched_depth_gives_both_sides_the_tissues_median_total() -> None:
    random = np.random.default_rng(0)
    tissue, reference = random.poisson(3.0, (60, 2)) + 1, random.poisson(50.0, (70, 4)) + 1
    raw = build_problem(view(tissue, reference), SpageneConfig(depth="raw"))
    assert np.square(raw.tissue).sum(axis=1).std() > 0
    middle = np.median(tissue.sum(axis=1))
    matched = build_problem(view(tissue, reference), SpageneConfig())
    assert matched.tissue_reading.depth == middle
    totals = np.asarray(matched.reference_reading.values[:, :2].sum(axis=1)).ravel()
    assert np.median(totals) == pytest.approx(middle)
    assert np.asarray(matched.reference_reading.values.sum(axis=1)).std() == pytest.approx(0.0, abs=1e-6)
    # Published: the counts as they are.
    assert (raw.reference_reading.values != csr_matrix(reference)).nnz == 0


def test_a_logarithm_is_undone_first() -> None:
    random = np.random.default_rng(1)
    tissue, reference = random.poisson(3.0, (60, 2)) + 1, random.poisson(9.0, (70, 4)).astype(np.float32)
    of_counts = build_problem(view(tissue, reference), SpageneConfig())
    of_logs = build_problem(view(tissue, np.log1p(reference), "log"), SpageneConfig())
    assert np.allclose(of_counts.reference, of_logs.reference, atol=1e-4)


def test_thin_cells_are_not_trained_on_unless_nearly_all_are_thin() -> None:
    values = np.zeros((100, 10), dtype=np.float32)
    values[:60] = 1.0
    values[60:, 0] = 1.0
    assert list(dense_cells(values, 0.1)) == list(range(60))
    assert len(dense_cells(values[20:], 0.1)) == 80


def test_large_panels_keep_their_most_variable_genes() -> None:
    random = np.random.default_rng(2)
    steady = random.poisson(5.0, (200, 30)) + np.arange(30)
    varied = random.poisson(5.0 * random.choice([0.1, 3.0], (200, 2)))
    names = tuple(f"s{i}" for i in range(30)) + ("v0", "v1")
    both = cells(np.hstack([steady, varied]), names)
    problem = build_problem(FoldView(both, both, ()), SpageneConfig(tissue_genes=2, reference_genes=0))
    assert problem.tissue_reading.genes == ("v0", "v1")
    assert problem.reference_reading.core == ("v0", "v1")


def test_variability_is_the_variance_of_clipped_standard_scores() -> None:
    random = np.random.default_rng(3)
    values = random.poisson(1 + random.gamma(1.0, 2.0, 30), (80, 30)).astype(float)
    mean, variance = values.mean(axis=0), values.var(axis=0)
    fit = np.polyval(np.polyfit(np.log10(mean), np.log10(variance), 2), np.log10(mean))
    standard = np.minimum((values - mean) / np.sqrt(10**fit), np.sqrt(80))
    assert variability(csr_matrix(values)) == pytest.approx((standard**2).sum(axis=0) / 79)


def test_empty_cells_stay_empty() -> None:
    found = scaled(csr_matrix(np.array([[1.0, 3.0], [0.0, 0.0]])), 8.0).toarray()
    assert found.tolist() == [[2.0, 6.0], [0.0, 0.0]]


def test_a_small_panel_is_filled_up_with_variable_genes_of_the_reference() -> None:
    random = np.random.default_rng(4)
    reference = np.hstack([random.poisson(8.0, (90, 2)), random.poisson(8.0, (90, 20)) + np.arange(20)])
    reference[:, 5] *= random.choice([0, 4], 90)
    genes = tuple(f"g{number:02d}" for number in range(22))
    tissue = cells(random.poisson(3.0, (60, 2)) + 1, genes[:2])
    seen = FoldView(tissue, cells(reference, genes), genes[2:])
    assert build_problem(seen, SpageneConfig(reference_genes=3)).reference_reading.core == ("g00", "g01", "g05")
    assert build_problem(seen, SpageneConfig(reference_genes=0)).reference_reading.core == ("g00", "g01")
    assert len(build_problem(seen, SpageneConfig()).reference_reading.core) == 22
