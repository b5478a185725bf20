from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import false_discovery_control, pearsonr, wilcoxon

from backend.evaluation.genes import compare
from backend.evaluation.genes.metrics import SCORES


def scores(**by_method: np.ndarray) -> pd.DataFrame:
    tables = []
    for method, values in by_method.items():
        table = pd.DataFrame({"gene": [f"G{i}" for i in range(len(values))], "fold": np.arange(len(values)) % 5})
        tables.append(table.assign(method=method, constant=False, **dict.fromkeys(SCORES, values)))
    return pd.concat(tables, ignore_index=True)


def three(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    base = rng.normal(0.2, 0.1, n)
    return scores(ours=base + 0.03 + rng.normal(0, 0.02, n), spage=base, knn=base + rng.normal(0, 0.02, n))


def test_comparisons_are_paired_and_adjusted_together() -> None:
    table = three()
    rows = compare.every_pair(table, ["ours", "spage", "knn"])
    wide = table.pivot(index="gene", columns="method", values="pcc")
    expected = [wilcoxon(wide[a] - wide[b]).pvalue for a, b in (("ours", "spage"), ("ours", "knn"), ("spage", "knn"))]
    np.testing.assert_allclose([row["p"] for row in rows], expected)
    np.testing.assert_allclose([row["p_adjusted"] for row in rows], false_discovery_control(expected))
    assert [row["better"] for row in rows] == ["ours", "ours", "neither"]
    low, high = rows[0]["interval"]
    assert low < 0.03 < high
    assert rows[0]["wins"] + rows[0]["losses"] == rows[0]["genes"] == 60


def test_genes_without_a_score_are_left_out_on_both_sides() -> None:
    table = three()
    table.loc[(table.method == "knn") & (table.gene == "G3"), "pcc"] = np.nan
    rows = compare.every_pair(table, ["ours", "knn"])
    assert rows[0]["genes"] == 59


def test_the_verdict_says_a_win_a_loss_and_a_draw() -> None:
    titles = {"ours": "Quorum", "spage": "SpaGE", "knn": "Nearest cells"}
    table = three()
    assert "Quorum is better than" in compare.verdict("ours", compare.compare(table, "ours", ["spage", "knn"]), titles)
    lost = compare.verdict("spage", compare.compare(table, "spage", ["ours", "knn"]), titles)
    assert lost.startswith("SpaGE is worse than Quorum, the best of the others (mean r 0.208 against 0.239, ")
    assert "60 genes, p < 0.001" in lost
    drawn = compare.verdict("spage", compare.compare(table, "spage", ["knn"]), titles)
    assert "no better and no worse than Nearest cells" in drawn
    assert "no other method" in compare.verdict("spage", [], titles)
    nothing = compare.compare(scores(a=np.full(12, np.nan), b=np.full(12, np.nan)), "a", ["b"])
    assert "could not be scored" in compare.verdict("a", nothing, {"a": "A", "b": "B"})


def test_winners_are_named_only_where_one_is_best() -> None:
    table = scores(a=np.array([0.1, 0.5, np.nan]), b=np.array([0.3, 0.5, np.nan]))
    assert compare.winners(table) == {"G0": "b", "G1": None, "G2": None}


def test_the_summary_counts_what_it_left_out() -> None:
    table = scores(a=np.array([0.2, 0.4, np.nan, 0.0]))
    table.loc[3, "constant"] = True
    found = compare.summary(table)
    assert (found["genes_scored"], found["excluded"], found["constant"]) == (3, 1, 1)
    assert found["pcc_mean"] == pytest.approx(0.2)
    assert found["ssim_li_mean"] == pytest.approx(0.2)
    assert compare.summary(scores(a=np.full(3, np.nan)))["pcc_mean"] is None


def test_the_interval_over_genes_covers_the_mean_nine_times_in_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "DRAWS", 300)
    rng = np.random.default_rng(0)
    ends = [compare.gene_interval(rng.normal(0.1, 0.2, 80), seed) for seed in range(100)]
    assert 88 <= sum(low < 0.1 < high for low, high in ends) <= 99
    assert compare.gene_interval(np.array([0.3, np.nan])) is None


def test_drawing_blocks_is_the_correlation_of_the_drawn_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    block = np.repeat(np.arange(4), 15)
    truth = rng.random((60, 3)).astype(np.float32)
    predicted = (truth + rng.random((60, 3))).astype(np.float32) * 1e-4
    predicted[:, 1], truth[:, 2] = 0.5, 1.0
    drawn = np.array([[1, 1, 1, 1], [0, 2, 1, 1]])

    class Drawer:
        def multinomial(self, *_: object, **__: object) -> np.ndarray:
            return drawn

    monkeypatch.setattr(compare, "stream", lambda *_: Drawer())
    found = compare.block_draws(truth, predicted, block)
    cells = np.concatenate([np.flatnonzero(block == b) for b in (1, 1, 2, 3)])
    assert found[0, 0] == pytest.approx(pearsonr(truth[:, 0], predicted[:, 0])[0], abs=1e-5)
    assert found[1, 0] == pytest.approx(pearsonr(truth[cells, 0], predicted[cells, 0])[0], abs=1e-5)
    assert (found[:, 1] == 0).all()
    assert np.isnan(found[:, 2]).all()
