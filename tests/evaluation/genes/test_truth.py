from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from backend.evaluation.genes.regions import casper_seed42
from backend.evaluation.genes.source import GenePair, cut_view
from backend.evaluation.genes.truth import _most_variable, truth_of
from backend.methods.contract import Cells
from tests.evaluation.genes.simulated_pair import SHARED, make_pair

INPUTS, TARGETS = SHARED[:24], SHARED[24:]


def with_counts(pair: GenePair, counts: np.ndarray, scale: str = "counts") -> GenePair:
    return replace(pair, tissue=replace(pair.tissue, expression=csr_matrix(counts), scale=scale))


def test_t1_knows_the_depth_of_the_inputs_only() -> None:
    pair = make_pair()
    counts = pair.tissue.expression.toarray().astype(np.float64)
    counts[5, :24] = 0  # no input: it is not in the view
    pair = with_counts(pair, counts)
    truth = truth_of("T1", pair, cut_view(pair, INPUTS, TARGETS), TARGETS)
    kept = np.delete(counts, 5, axis=0)
    total = kept[:, :24].sum(axis=1)
    np.testing.assert_allclose(truth.values, np.log1p(kept[:, 24:] * np.median(total) / total[:, None]), rtol=1e-5)
    assert truth.rows.tolist() == list(range(len(kept)))
    counts[:, 24] *= 1000
    louder = with_counts(pair, counts)
    again = truth_of("T1", louder, cut_view(louder, INPUTS, TARGETS), TARGETS)
    np.testing.assert_array_equal(again.values[:, 1:], truth.values[:, 1:])


def test_a_tissue_of_logarithms_has_the_same_truth() -> None:
    pair = make_pair()
    logged = with_counts(pair, np.log1p(pair.tissue.expression.toarray()), "log")
    one, other = (truth_of("T1", p, cut_view(p, INPUTS, TARGETS), TARGETS) for p in (pair, logged))
    np.testing.assert_allclose(one.values, other.values, atol=1e-5)


def test_hidden_values_that_are_no_counts_break_nothing() -> None:
    pair = make_pair()
    counts = pair.tissue.expression.toarray()
    counts[:, 24], counts[0, 25] = -7.0, np.nan
    pair = with_counts(pair, counts)
    values = truth_of("T1", pair, cut_view(pair, INPUTS, TARGETS), TARGETS).values
    assert (values[:, 0] == 0).all()
    assert np.isnan(values[0, 1])
    assert np.isfinite(values[:, 2:]).all()


def test_t3_is_the_published_transform_and_its_cells() -> None:
    pair = make_pair()
    counts = pair.tissue.expression.toarray().astype(np.float64)
    truth = truth_of("T3", pair, cut_view(pair, INPUTS, TARGETS), TARGETS)
    np.testing.assert_allclose(
        truth.values, np.log1p(1e4 * counts[:, 24:] / counts.sum(axis=1, keepdims=True)), rtol=1e-5
    )
    np.testing.assert_array_equal(truth.rows, casper_seed42(len(counts)).test)


def test_t2_clips_takes_roots_and_leaves_sparse_cells_and_quiet_genes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = make_pair()
    counts = pair.tissue.expression.toarray().astype(np.float64)
    counts[3, 1:] = 0  # one gene of thirty: below a tenth
    pair = with_counts(pair, counts)
    seen = cut_view(pair, INPUTS, TARGETS)
    truth = truth_of("T2", pair, seen, TARGETS)
    assert 3 not in truth.rows
    assert len(truth.rows) > 200
    for column, gene in enumerate(counts[:, 24:].T):
        positive = gene[gene > 0]
        top = positive.mean() + 2 * positive.std()
        np.testing.assert_allclose(truth.values[:, column], np.sqrt(np.minimum(gene, top)), rtol=1e-5)
        assert truth.values[:, column].max() < np.sqrt(gene.max())
    monkeypatch.setattr("backend.evaluation.genes.truth._most_variable", lambda cells, number: set(TARGETS[1:]))
    fewer = truth_of("T2", pair, seen, TARGETS).values
    assert np.isnan(fewer[:, 0]).all()
    assert np.isfinite(fewer[:, 1:]).all()


def test_the_most_variable_genes_are_those_beyond_what_their_mean_lets_expect() -> None:
    rng = np.random.default_rng(0)
    counts = rng.poisson(rng.lognormal(0, 1, 200), (500, 200)).astype(np.float32)
    loud = rng.choice(200, 20, replace=False)
    counts[:, loud] = rng.poisson(counts[:, loud].mean(axis=0) * rng.gamma(0.5, 2, (500, 20)))
    genes = tuple(f"G{i}" for i in range(200))
    found = _most_variable(Cells(csr_matrix(counts), genes, "counts"), 20)
    assert len(found & {genes[i] for i in loud}) >= 18
    n, mean, variance = 500, counts.mean(axis=0), counts.var(axis=0, ddof=1)
    x = np.log10(mean)
    spread = np.sqrt(10 ** np.polyval(np.polyfit(x, np.log10(variance), 2), x))
    clipped = np.minimum(counts, mean + np.sqrt(n) * spread)
    by_hand = np.square((clipped - mean) / spread).sum(axis=0) / (n - 1)
    assert found == {genes[i] for i in np.argsort(-by_hand)[:20]}
