"""Scores against their formulas, written out gene by gene."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from scipy.stats import pearsonr, spearmanr

from backend.evaluation.genes import metrics
from backend.evaluation.genes.metrics import SCORES, Scale, scale_of, score_genes
from backend.methods.contract import Cells
from backend.methods.imputation import FoldView, Imputed, log_reference, log_tissue

GENES = ("A", "B", "C", "D")


def some(seed: int = 0, n: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    depth = rng.normal(3, 0.5, n)
    truth = np.log1p(rng.poisson(np.exp(depth - 2)[:, None] * rng.uniform(0.3, 2, len(GENES)))).astype(np.float32)
    predicted = (0.5 * truth + rng.gamma(1.0, 0.5, truth.shape)).astype(np.float32)
    return truth, predicted, depth


def test_each_score_is_its_formula() -> None:
    truth, predicted, depth = some()
    table = score_genes(truth, predicted, depth, GENES).set_index("gene")
    for j, gene in enumerate(GENES):
        x, y = truth[:, j].astype(float), predicted[:, j].astype(float)
        row = table.loc[gene]
        assert row.pcc == pytest.approx(pearsonr(x, y)[0], abs=1e-6)
        assert row.srcc == pytest.approx(spearmanr(x, y)[0], abs=1e-6)
        rest = [v - np.polyval(np.polyfit(depth, v, 1), depth) for v in (x, y)]
        assert row.pcc_depth_partial == pytest.approx(pearsonr(*rest)[0], abs=1e-6)
        assert row.rmse == pytest.approx(np.sqrt(np.mean((x - y) ** 2)), abs=1e-6)
        seen = x > 0
        assert row.mape == pytest.approx(100 * np.mean(np.abs(x - y)[seen] / x[seen]), abs=1e-4)
        p, q = x / x.sum(), y / y.sum()
        middle = (p + q) / 2
        kl = [sum(a * np.log(a / b) for a, b in zip(v, middle) if a > 0) for v in (p, q)]
        assert row.js == pytest.approx(sum(kl) / 2, abs=1e-9)
        assert row.ssim_li == pytest.approx(three_factor_ssim(x / x.max(), y / y.max(), 1e-4, 9e-4, 0), abs=1e-9)
        ranged = [(v - v.min()) / np.ptp(v) for v in (x, y)]
        assert row.ssim_spagene == pytest.approx(two_factor_ssim(*ranged, 0.01, 0.03, 1), abs=1e-9)
    assert (table.n == len(truth)).all()


def three_factor_ssim(x: np.ndarray, y: np.ndarray, c1: float, c2: float, ddof: int) -> float:
    sx, sy, c3 = x.std(), y.std(), c2 / 2
    light = (2 * x.mean() * y.mean() + c1) / (x.mean() ** 2 + y.mean() ** 2 + c1)
    contrast = (2 * sx * sy + c2) / (sx**2 + sy**2 + c2)
    return float(light * contrast * (np.cov(x, y, ddof=ddof)[0, 1] + c3) / (sx * sy + c3))


def two_factor_ssim(x: np.ndarray, y: np.ndarray, c1: float, c2: float, ddof: int) -> float:
    light = (2 * x.mean() * y.mean() + c1) / (x.mean() ** 2 + y.mean() ** 2 + c1)
    return float(light * (2 * np.cov(x, y, ddof=ddof)[0, 1] + c2) / (x.var() + y.var() + c2))


def test_a_perfect_prediction_and_one_of_zeros() -> None:
    truth, _, depth = some()
    best = score_genes(truth, truth, depth, GENES)
    for name, value in (("pcc", 1), ("pcc_depth_partial", 1), ("srcc", 1), ("ssim_li", 1), ("rmse", 0), ("mape", 0)):
        np.testing.assert_allclose(best[name], value, atol=1e-9)
    nothing = score_genes(truth, np.zeros_like(truth), depth, GENES)
    assert nothing.constant.all()
    for name, value in (("pcc", 0), ("pcc_depth_partial", 0), ("srcc", 0), ("mape", 100)):
        np.testing.assert_allclose(nothing[name], value)


def test_constant_truth_is_excluded_and_constant_prediction_counted() -> None:
    truth, predicted, depth = some()
    truth[:, 1], predicted[:, 2] = 0.7, 3.0
    table = score_genes(truth, predicted, depth, GENES)
    assert table.loc[1, list(SCORES)].isna().all()
    assert table.loc[[0, 2, 3], list(SCORES)].notna().all(axis=None)
    assert table.constant.tolist() == [False, False, True, False]
    assert table.loc[2, ["pcc", "srcc", "pcc_depth_partial"]].tolist() == [0, 0, 0]


def test_a_truth_that_is_no_number_is_excluded_and_such_a_prediction_refused() -> None:
    truth, predicted, depth = some()
    truth[3, 0] = np.nan
    assert score_genes(truth, predicted, depth, GENES)["pcc"].isna().tolist() == [True, False, False, False]
    predicted[0, 0] = np.inf
    with pytest.raises(ValueError, match="not finite"):
        score_genes(truth, predicted, depth, GENES)


@pytest.mark.parametrize("factor", [1e-9, 1e6])
def test_what_is_constant_does_not_hang_on_the_scale(factor: float) -> None:
    truth, predicted, depth = some()
    one, other = (score_genes(truth, predicted * f, depth, GENES) for f in (np.float32(1), np.float32(factor)))
    for name in ("pcc", "pcc_depth_partial", "srcc", "ssim_li", "ssim_spagene", "js"):
        np.testing.assert_allclose(one[name], other[name], rtol=1e-4, atol=1e-6)
    assert not other.constant.any()


def test_depth_alone_scores_in_pcc_and_not_beyond_depth() -> None:
    truth, _, depth = some()
    everywhere = np.tile(depth[:, None], (1, len(GENES))).astype(np.float32)
    table = score_genes(truth, everywhere, depth, GENES)
    assert (table.pcc > 0.2).all()
    np.testing.assert_allclose(table.pcc_depth_partial, 0, atol=1e-3)
    assert not table.constant.any()


def test_the_two_ssims_differ_on_a_sparse_gene_that_was_not_predicted() -> None:
    """methods.md, trap 9: about .22 in SpaGene's constants, about 0 in Li's."""
    rng = np.random.default_rng(0)
    x = (rng.random((4000, 1)) < 0.05).astype(np.float32)
    y = (rng.random((4000, 1)) < 0.05).astype(np.float32)
    assert abs(metrics.ssim_li(x, y)[0]) < 0.1
    assert metrics.ssim_spagene(x, y)[0] > 0.15


def test_distributions_that_share_nothing() -> None:
    x = np.array([[1.0], [1.0], [0.0], [0.0]])
    assert metrics.jensen_shannon(x, 1 - x)[0] == pytest.approx(np.log(2))
    assert metrics.jensen_shannon(x, 5 * x)[0] == pytest.approx(0)


def test_portions_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    truth, predicted, depth = some()
    whole = score_genes(truth, predicted, depth, GENES)
    monkeypatch.setattr(metrics, "_PORTION", len(truth))
    pd.testing.assert_frame_equal(score_genes(truth, predicted, depth, GENES), whole, rtol=1e-12)


def view() -> FoldView:
    rng = np.random.default_rng(1)
    tissue = Cells(csr_matrix(rng.poisson(2.0, (50, 6)).astype(np.float32)), tuple("ABCDEF"), "counts")
    reference = Cells(csr_matrix(rng.poisson(9.0, (40, 8)).astype(np.float32)), tuple("ABCDEFGH"), "counts")
    return FoldView(tissue, reference, ("G", "H"))


def test_the_scale_of_a_prediction() -> None:
    values = np.ones((50, 2), dtype=np.float32)
    assert scale_of(Imputed(values, ("G", "H"), units="tissue"), view()) == Scale(1.0)
    assert scale_of(Imputed(values, ("G", "H"), units="arbitrary"), view()) == Scale(None)
    factor = scale_of(Imputed(values, ("G", "H")), view()).factor
    t, r = log_tissue(view().tissue).mean(axis=0), log_reference(view().reference, tuple("ABCDEF")).mean(axis=0)
    tried = np.linspace(0, 2, 20001)
    assert factor == pytest.approx(tried[np.argmin([np.sum((t - f * r) ** 2) for f in tried])], abs=1e-4)


def test_levels_are_compared_after_scaling_and_not_at_all_where_only_order_counts() -> None:
    truth, predicted, depth = some()
    scaled = score_genes(truth, predicted / 4, depth, GENES, Scale(4.0))
    np.testing.assert_allclose(scaled.rmse, score_genes(truth, predicted, depth, GENES).rmse, rtol=1e-5)
    order = score_genes(truth, predicted, depth, GENES, Scale(None))
    assert order[["rmse", "mape", "js"]].isna().all(axis=None)
    assert order[["pcc", "srcc", "ssim_li"]].notna().all(axis=None)
