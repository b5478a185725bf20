from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from backend.analysis.agreement import median_pearson
from backend.evaluation.context_track import make_task, measure
from backend.methods.contract import Cells
from backend.methods.reference import knn, mlp, own_expression, ridge, type_mean
from backend.methods.reference.task import ContextTask, Scaling

SIGMA_UM = 15.0


def tissue(seed: int, n: int = 700) -> Cells:
    """Bands of expression along x and y: what a cell expresses tells where it is."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 300, (n, 2)).astype(np.float32)
    rate = 1.5 * (1 + np.sin(xy[:, :1] / 40 + xy[:, 1:] / 60 + np.linspace(0, 2 * np.pi, 20, endpoint=False)))
    return Cells(csr_matrix(rng.poisson(rate), dtype=np.float32), tuple(f"G{i:02d}" for i in range(20)), "counts", xy)


@pytest.fixture(scope="module")
def task() -> ContextTask:
    return make_task(tissue(0), tissue(1), tissue(0).genes, SIGMA_UM, seed=0)


@pytest.mark.parametrize("module", [type_mean, knn, ridge, mlp])
def test_a_comparator_predicts_the_context_of_cells_it_never_saw(
    module: object, task: ContextTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlp, "STEPS", 75)
    monkeypatch.setattr(mlp, "STRIPS", slice(None, 1))
    truth = measure(tissue(1), SIGMA_UM)
    values = module.predict_context(task)  # type: ignore[attr-defined]
    assert values.shape == truth.without_self.shape
    assert values.dtype == np.float32
    assert values.min() >= 0
    assert values.max() <= 1
    assert median_pearson(truth.without_self[truth.kept], values[truth.kept]) > 0.5
    np.testing.assert_array_equal(values, module.predict_context(task))  # type: ignore[attr-defined]


def test_own_expression_gains_from_the_self_loop_alone(task: ContextTask) -> None:
    truth = measure(tissue(1), SIGMA_UM)
    values = own_expression.predict_context(task)
    assert set(np.unique(values)) == {0.0, 1.0}
    without = median_pearson(truth.without_self[truth.kept], values[truth.kept])
    assert median_pearson(truth.with_self[truth.kept], values[truth.kept]) > without


def test_scaling_uses_the_training_cells_alone_and_undoes_a_log() -> None:
    cells = tissue(0)
    logged = Cells(cells.expression.log1p(), cells.genes, "log", cells.coordinates)
    np.testing.assert_allclose(Scaling(cells).apply(cells), Scaling(logged).apply(logged), atol=1e-3)
    scaled = Scaling(cells).apply(cells)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-3)
    deeper = Cells(cells.expression * 3, cells.genes, "counts", cells.coordinates)
    np.testing.assert_allclose(Scaling(cells).apply(deeper), scaled, atol=1e-4)


def test_ridge_with_more_genes_than_cells_equals_the_textbook_form() -> None:
    rng = np.random.default_rng(0)
    inputs, goals, asked = (rng.normal(size=shape).astype(np.float32) for shape in ((12, 30), (12, 4), (5, 30)))
    task = ContextTask(inputs, goals, asked, np.zeros((5, 4), np.float32), (), 0)
    values = ridge._Line(task, slice(None), asked).values(7.0, 80)
    x = inputs - inputs.mean(axis=0)
    beta = np.linalg.solve(x.T @ x + 7.0 * np.eye(30), x.T @ (goals - goals.mean(axis=0)))
    np.testing.assert_allclose(values, (asked - inputs.mean(axis=0)) @ beta + goals.mean(axis=0), atol=1e-4)


def test_an_empty_cell_and_a_flat_gene_do_no_harm() -> None:
    cells = tissue(0)
    dense = cells.expression.toarray()
    dense[0], dense[:, 3] = 0, 0
    poor = Cells(csr_matrix(dense), cells.genes, "counts", cells.coordinates)
    task = make_task(poor, poor, poor.genes, SIGMA_UM, seed=0)
    for module in (type_mean, knn, ridge):
        assert np.isfinite(module.predict_context(task)).all()
