from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from backend.methods.contract import Cells
from backend.methods.thinning import draw_thinned, linear_shares, match_depth
from tests.methods.scxm.simulated import simulate

MANY = 40


@pytest.mark.parametrize("scale", ["counts", "log", "normalised"])
def test_draws_are_as_deep_as_the_tissue_whatever_the_references_scale(scale: str) -> None:
    truth = simulate()
    reference = truth.reference.expression
    if scale == "log":
        reference = csr_matrix(np.log1p(reference.toarray() * 100.0), dtype=np.float32)
    shares = linear_shares(Cells(reference, truth.genes, scale))  # type: ignore[arg-type]
    tissue = truth.tissue.expression
    depth = match_depth(shares, tissue, np.arange(len(truth.genes)), counts=True)
    random = np.random.default_rng(0)
    drawn = sum(draw_thinned(shares, depth, random).mean(axis=0) for _ in range(MANY)) / MANY
    assert np.allclose(np.asarray(drawn), np.asarray(tissue.mean(axis=0)), rtol=0.1, atol=0.02)


def test_a_tissue_without_counts_is_matched_by_detection() -> None:
    truth = simulate()
    shares = linear_shares(truth.reference)
    tissue = csr_matrix(np.log1p(truth.tissue.expression.toarray()), dtype=np.float32)
    depth = match_depth(shares, tissue, np.arange(len(truth.genes)), counts=False)
    random = np.random.default_rng(0)
    detected = sum((draw_thinned(shares, depth, random) > 0).mean(axis=0) for _ in range(MANY)) / MANY
    assert np.allclose(np.asarray(detected), np.asarray((tissue > 0).mean(axis=0)), atol=0.06)


def test_genes_that_the_tissue_lacks_take_the_usual_factor() -> None:
    truth = simulate()
    measured = np.arange(20)
    depth = match_depth(linear_shares(truth.reference), truth.tissue.expression[:, :20], measured, counts=True)
    assert np.allclose(depth.factors[20:], np.median(depth.factors[:20]))
    assert depth.depths.mean() == pytest.approx(1.0, abs=1e-4)


def test_thinning_draws_whole_counts_only_where_there_was_expression() -> None:
    shares = linear_shares(simulate().reference)
    depth = match_depth(shares, simulate().tissue.expression, np.arange(60), counts=True)
    drawn = draw_thinned(shares, depth, np.random.default_rng(0))
    assert np.array_equal(drawn.data, np.round(drawn.data))
    assert (drawn > 0).multiply(shares > 0).nnz == drawn.nnz
