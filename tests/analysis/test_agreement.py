from __future__ import annotations

import numpy as np
from scipy.stats import pearsonr, spearmanr

from backend.analysis.agreement import median_pearson, pearson, spearman


def test_scores_equal_scipys() -> None:
    rng = np.random.default_rng(0)
    truth = rng.poisson(1.0, (80, 6)).astype(np.float32)
    guess = (truth + rng.normal(0, 2, truth.shape)).astype(np.float32)
    np.testing.assert_allclose(
        pearson(truth, guess), [pearsonr(truth[:, j], guess[:, j])[0] for j in range(6)], atol=1e-6
    )
    np.testing.assert_allclose(
        spearman(truth, guess), [spearmanr(truth[:, j], guess[:, j])[0] for j in range(6)], atol=1e-6
    )


def test_constant_truth_has_no_score_and_constant_prediction_scores_zero() -> None:
    rng = np.random.default_rng(0)
    truth, guess = rng.random((50, 3)), rng.random((50, 3))
    truth[:, 0], guess[:, 1] = 0.3, 0.7
    for score in (pearson, spearman):
        values = score(truth, guess)
        assert np.isnan(values[0])
        assert values[1] == 0
        assert values[2] != 0
    assert median_pearson(np.ones((5, 2)), rng.random((5, 2))) == 0
