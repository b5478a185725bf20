from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from backend.evaluation.scores import combine_folds, compare, medians, score_genes, split_half_ceiling, verdict
from backend.methods.contract import Cells


def table(**pcc: list[float]) -> pd.DataFrame:
    """Methods by name, their scores of genes g0, g1, …, without self-loop."""
    return pd.concat(
        [
            pd.DataFrame(
                {"gene": [f"g{i}" for i in range(len(values))], "method": method, "pcc": values, "srcc": values}
            )
            for method, values in pcc.items()
        ]
    ).assign(self_loop=False, n_cells=10, constant=False, context_sd=0.1, detection=0.2, moran=0.5, fold="a")


def test_a_gene_that_does_not_vary_is_excluded_and_a_constant_prediction_counted() -> None:
    rng = np.random.default_rng(0)
    truth, guess = rng.random((40, 3)).astype(np.float32), rng.random((40, 3)).astype(np.float32)
    truth[:, 0], guess[:, 1] = 0.5, 0.5
    rows = score_genes(truth, guess, np.array([0.1, 0.2, 0.3]), ("a", "b", "c")).assign(method="m", self_loop=False)
    (summary,) = medians(rows)
    assert (summary["genes"], summary["excluded"], summary["constant"]) == (2, 1, 1)
    assert rows.pcc.iloc[1] == 0
    assert summary["best_gene"] in ("b", "c")
    assert summary["pcc"] == pytest.approx(rows.pcc.iloc[1:].median())


def test_folds_are_averaged_where_a_gene_has_a_score() -> None:
    both = combine_folds(pd.concat([table(m=[0.2, np.nan]), table(m=[0.4, 0.6])]), "both halves")
    assert list(both.pcc) == pytest.approx([0.3, 0.6])
    assert list(both.n_cells) == [20, 20]
    assert set(both.fold) == {"both halves"}


def test_the_verdict_says_a_loss_a_win_and_a_draw() -> None:
    rng = np.random.default_rng(0)
    ridge = list(rng.uniform(0.2, 0.4, 40))
    lower, higher = [x - 0.1 + e for x, e in zip(ridge, rng.normal(0, 0.01, 40))], [x + 0.1 for x in ridge]
    level = [x + e for x, e in zip(ridge, rng.choice([-0.02, 0.02], 40))]
    words = {}
    for name, own in (("lower", lower), ("higher", higher), ("level", level)):
        comparisons = compare(table(scxm=own, ridge=ridge), "scxm")
        words[name] = verdict("SCXM", float(np.median(own)), comparisons)
    assert "is below ridge" in words["lower"]
    assert "prefer ridge" in words["lower"]
    assert "above every comparator" in words["higher"]
    assert "no better than ridge" in words["level"]


def test_a_loss_to_one_comparator_is_said_though_another_is_best_on_the_median() -> None:
    own = [0.30] * 30
    knn = [0.28] * 10 + [0.34] * 20  # above in most genes
    words = verdict("SCXM", 0.3, compare(table(scxm=own, knn=knn, ridge=[0.1] * 30), "scxm"))
    assert "is below knn" in words
    assert "ridge" not in words


def test_a_median_above_and_most_genes_below_are_both_said() -> None:
    rival = np.concatenate([np.linspace(0.1, 0.2, 20), [0.39], np.linspace(0.5, 0.6, 20)])
    own = np.where(rival == 0.39, 0.4, rival - 0.01)
    words = verdict("SCXM", float(np.median(own)), compare(table(scxm=list(own), mlp=list(rival)), "scxm"))
    assert words.startswith("SCXM (median r 0.40) is gene by gene below mlp (0.39")


def test_nothing_to_score_is_said() -> None:
    assert "could not be scored" in verdict("SCXM", None, [])
    assert verdict("SCXM", 0.15, []) == "SCXM reaches a median r of 0.15; there is nothing beside it to compare with."


def test_the_ceiling_is_high_for_smooth_tissue_and_near_zero_for_noise() -> None:
    rng = np.random.default_rng(0)
    xy = rng.uniform(0, 300, (1500, 2)).astype(np.float32)
    smooth = rng.random((1500, 20)) < (0.5 + 0.5 * np.sin(xy[:, :1] / 30 + np.arange(20)))
    noise = rng.random((1500, 20)) < 0.5
    found = [
        split_half_ceiling(
            Cells(csr_matrix(values, dtype=np.float32), tuple("abcdefghijklmnopqrst"), "counts", xy), 15.0, seed=0
        )
        for values in (smooth, noise)
    ]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0] > 0.9
    assert found[1] < 0.3
