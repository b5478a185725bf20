"""The demo's constants are frozen: these numbers say what it must resemble (docs/methods.md)."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from backend.analysis.context import context_graph, spatial_context
from backend.datasets.simulated import Demo, simulate
from backend.evaluation.preflight import sampled_neighbours


@pytest.fixture(scope="module")
def demo() -> Demo:
    return simulate(0)


def correlation(a, b):
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    return (a * b).sum(axis=0) / np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))


def detection(sample) -> float:
    return sample.counts.nnz / np.prod(sample.counts.shape)


def test_sizes(demo: Demo) -> None:
    assert demo.tissue.counts.shape == (5084, 300)
    assert demo.reference.counts.shape == (4000, 2000)
    assert demo.validation.counts.shape == (2533, 2000)
    assert set(demo.tissue.section) == {"A", "B"}
    assert set(demo.tissue.genes) < set(demo.reference.genes)


def test_same_seed_same_numbers(demo: Demo) -> None:
    again = simulate(0)
    assert (again.tissue.counts != demo.tissue.counts).nnz == 0
    assert (again.reference.counts != demo.reference.counts).nnz == 0
    assert simulate(1).tissue.counts[:100].nnz != demo.tissue.counts[:100].nnz


def test_detection_resembles_cosmx(demo: Demo) -> None:
    assert 0.08 < detection(demo.tissue) < 0.11
    assert 0.18 < detection(demo.reference) < 0.30


def test_context_is_learnable_but_not_easy(demo: Demo) -> None:
    tissue = demo.tissue
    section = np.unique(tissue.section, return_inverse=True)[1]
    graph = context_graph(tissue.coordinates_um, section, 50.0, self_loop=False)
    assert 40 < sampled_neighbours(tissue.coordinates_um, section, 50.0) < 150
    truth = spatial_context(graph, tissue.counts)
    depth = np.maximum(np.asarray(tissue.counts.sum(axis=1)), 1.0)
    inputs = np.log1p(np.asarray(tissue.counts.todense()) / depth * 100)
    train, test = section == 0, section == 1
    mean, spread = inputs[train].mean(axis=0), inputs[train].std(axis=0) + 1e-6
    ridge = Ridge(alpha=1000.0).fit((inputs[train] - mean) / spread, truth[train])
    score = np.median(correlation(ridge.predict((inputs[test] - mean) / spread), truth[test]))
    assert 0.2 < score < 0.4
    own = correlation((inputs > 0).astype(float), truth)
    assert np.nanmedian(own) < 0.1


def test_neighbours_act_on_cells(demo: Demo) -> None:
    """The truth holds: B cells near B cells express more CXCR4 than B cells alone, in the reference too."""
    truth, counts = demo.reference.truth, demo.reference.counts
    gene = np.asarray(counts[:, demo.reference.genes.index("CXCR4")].todense()).ravel()
    b_cells = (truth["type"] == "B cell").to_numpy()
    near = truth["germinal centre"].to_numpy() > 0.5
    assert gene[b_cells & near].mean() > 2 * gene[b_cells & ~near].mean()
