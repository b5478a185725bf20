from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.stats import false_discovery_control, mannwhitneyu

from backend.analysis.differential import Comparison, rank, split_alike


def counts(n: int = 120, genes: int = 40, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.poisson(rng.gamma(1.0, 1.0, genes), (n, genes)).astype(np.float32)


def groups(n: int = 120, marked: int = 50) -> np.ndarray:
    return np.random.default_rng(1).permutation(np.arange(n) < marked)


def names(n: int) -> tuple[str, ...]:
    return tuple(f"G{i}" for i in range(n))


def test_the_test_is_scipys_gene_by_gene() -> None:
    values, marked = np.log1p(counts().astype(np.float64)), groups()
    table = Comparison(csr_matrix(values), names(40), marked).table().set_index("gene")
    for i in range(40):
        if (values[:, i] > 0).sum() < 3:
            continue
        known = mannwhitneyu(values[marked, i], values[~marked, i], method="asymptotic")
        row = table.loc[f"G{i}"]
        assert row["p"] == pytest.approx(known.pvalue, rel=1e-9)
        assert row["auroc"] == pytest.approx(known.statistic / (50 * 70))
    assert table["fdr"].to_numpy() == pytest.approx(false_discovery_control(table["p"]))


def test_a_gene_that_is_up_is_up_in_every_column() -> None:
    values, marked = counts(), groups()
    values[:, 3] += 6 * marked
    table = Comparison(csr_matrix(np.log1p(values)), names(40), marked).table()
    first = table.iloc[0]
    assert first["gene"] == "G3"
    assert (first[["z", "log2_fc", "auroc"]].to_numpy(dtype=float) > [5, 1, 0.9]).all()
    assert first["fdr"] < 1e-6
    plain = values[marked, 3].mean()
    assert first["mean_clustered"] == pytest.approx(plain, rel=1e-5)
    assert first["detection_clustered"] == pytest.approx((values[marked, 3] > 0).mean())


def test_rare_genes_are_not_tested() -> None:
    values = counts()
    values[:, 5] = 0
    values[:2, 5] = 1
    comparison = Comparison(csr_matrix(np.log1p(values)), names(40), groups())
    assert 5 not in comparison.tested
    assert len(comparison.table()) == len(comparison.tested)


def test_a_gene_without_variation_has_no_evidence() -> None:
    values = counts()
    values[:, 0] = 2
    table = Comparison(csr_matrix(values), names(40), groups()).table().set_index("gene")
    assert table.loc["G0", "p"] == 1.0
    assert table.loc["G0", "z"] == 0.0


def test_many_groupings_agree_with_one_at_a_time() -> None:
    values, marked = np.log1p(counts()), groups()
    ranks = rank(csr_matrix(values))
    both = np.column_stack([marked, np.arange(120) < 30])
    assert ranks.z(both)[:, 1] == pytest.approx(ranks.z(both[:, 1:])[:, 0])
    assert ranks.z(~both) == pytest.approx(-ranks.z(both))


def test_shuffled_groups_find_about_nothing_and_repeat_with_the_seed() -> None:
    values, marked = counts(genes=200), groups()
    values[:, :50] += 4 * marked[:, None]
    comparison = Comparison(csr_matrix(np.log1p(values)), names(200), marked)
    shuffled = comparison.shuffled(40, seed=7)
    assert (shuffled.sum(axis=0) == marked.sum()).all()
    found, largest = comparison.significant(shuffled)
    assert found.mean() < 3
    assert (comparison.table()["fdr"] < 0.05).sum() >= 50
    assert np.quantile(largest, 0.95) < comparison.table()["z"].abs().max()
    assert (comparison.shuffled(40, seed=7) == shuffled).all()


def test_splits_by_other_quantities_mark_as_many_cells() -> None:
    others = np.random.default_rng(3).random((30, 4))
    marks = split_alike(others, 8)
    assert (marks.sum(axis=0) == 8).all()
    assert others[:, 2][marks[:, 2]].min() > others[:, 2][~marks[:, 2]].max()
