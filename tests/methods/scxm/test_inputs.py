from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from backend.methods.scxm.inputs import CLS, FIRST_GENE, PAD, LogInput, RankInput


def test_genes_are_ranked_by_expression_over_their_median_and_ties_keep_their_order() -> None:
    rows = csr_matrix(np.float32([[4, 2, 0, 2], [0, 0, 1, 0], [0, 0, 0, 0]]))
    tokens = RankInput(np.float32([4, 1, 1, 1]), max_tokens=8)(rows)
    first = [CLS, 1 + FIRST_GENE, 3 + FIRST_GENE, 0 + FIRST_GENE]
    assert tokens.tolist() == [first, [CLS, 2 + FIRST_GENE, PAD, PAD], [CLS, PAD, PAD, PAD]]


def test_only_the_top_tokens_are_read_and_a_cells_depth_does_not_matter() -> None:
    rows = csr_matrix(np.float32([[5, 4, 3, 2, 1]]))
    rank = RankInput(np.ones(5, dtype=np.float32), max_tokens=3)
    assert rank(rows).shape == (1, 4)
    assert np.array_equal(rank(rows), rank(csr_matrix(rows * 7.0)))


def test_medians_are_of_the_non_zero_values() -> None:
    shares = csr_matrix(np.float32([[0.5, 0, 0], [0.1, 0.2, 0], [0.3, 0, 0]]))
    assert np.allclose(RankInput.fit(shares, 8).medians, [0.3, 0.2, 1.0])


def test_log_input_is_standardised_on_what_it_was_fitted_on() -> None:
    random = np.random.default_rng(0)
    rows = csr_matrix(random.poisson(2.0, (200, 10)), dtype=np.float32)
    values = LogInput.fit(rows)(rows)
    assert np.allclose(values.mean(axis=0), 0.0, atol=1e-4)
    assert np.allclose(values.std(axis=0), 1.0, atol=1e-3)
    assert np.isfinite(LogInput.fit(rows)(csr_matrix((3, 10), dtype=np.float32))).all()
