from __future__ import annotations

import numpy as np
import pytest

from backend.analysis.imputation.next_panel import Measured, choose, compare, given, proposable, simulate

MODULES, EACH = 6, 12


def cells(seed: int, count: int, modules: int = MODULES) -> np.ndarray:
    """Log expression of `modules` groups of genes that rise and fall together; the first gene of each does it most."""
    rng = np.random.default_rng(seed)
    factor = np.repeat(rng.normal(size=(count, modules)), EACH, axis=1)
    load = np.tile([0.95] + [0.6] * (EACH - 1), modules)
    return load * factor + np.sqrt(1 - load**2) * rng.normal(size=factor.shape)


@pytest.fixture(scope="module")
def correlation() -> np.ndarray:
    return np.corrcoef(cells(0, 4000).T)


def module(gene: int) -> int:
    return gene // EACH


def test_one_gene_of_each_open_module_is_taken_before_a_second(correlation: np.ndarray) -> None:
    panel, targets = np.arange(2 * EACH), np.arange(2 * EACH, MODULES * EACH)
    found = choose(correlation, panel, targets, targets, 4)
    assert sorted(map(module, found.chosen)) == [2, 3, 4, 5]
    assert all(gene % EACH == 0 for gene in found.chosen), "the gene that tells most of its module"
    assert found.gains == sorted(found.gains, reverse=True)


def test_what_the_panel_already_tells_is_not_asked_for(correlation: np.ndarray) -> None:
    """Two thirds of a module are on the panel: its other genes have less left to tell than those of a new one."""
    panel = np.concatenate([np.arange(8), np.arange(EACH, 2 * EACH)])
    targets = np.setdiff1d(np.arange(3 * EACH), panel)
    found = choose(correlation, panel, targets, targets, 3)
    assert [module(gene) for gene in found.chosen[:2]] == [2, 2]
    rest = given(correlation, panel)
    assert rest[8, 8] < rest[2 * EACH + 1, 2 * EACH + 1]
    assert found.open[8] == pytest.approx(rest[8, 8])


def test_a_gain_is_what_it_explains_of_the_others_and_not_of_itself() -> None:
    """By hand: two genes with r = .5 and nothing measured; one explains .25 / (1 + 10) of the other."""
    found = choose(np.array([[1.0, 0.5], [0.5, 1.0]]), np.array([], dtype=int), np.arange(2), np.arange(2), 1)
    assert found.gains == [pytest.approx(0.25 / 11)]


def test_the_least_expressed_third_is_not_proposed() -> None:
    assert proposable(np.array([9.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), np.arange(1, 7)).tolist() == [3, 4, 5, 6]


@pytest.fixture(scope="module")
def measured() -> Measured:
    reference = np.log1p(3 * np.exp(cells(1, 800)))
    rate = np.exp(cells(2, 600))
    return Measured(np.random.default_rng(3).poisson(rate / rate.mean()).astype(float), reference)


def test_the_rule_beats_chance_where_genes_move_together(measured: Measured) -> None:
    tests = simulate(measured, 4, seed=0, halves=6, draws=4)
    against = compare(tests)
    assert against["random"]["difference"] > 0
    assert against["random"]["p"] < 0.05
    assert set(tests["choice"]) == {"rule", "most variable", "random"}
    # An added gene is judged by nobody: of 36 hidden ones 32 remain, each time.
    assert (tests.groupby(["half", "choice", "draw"]).size() == MODULES * EACH // 2 - 4).all()


def test_where_nothing_is_to_be_learnt_the_rule_gains_nothing(measured: Measured) -> None:
    rng = np.random.default_rng(5)
    noise = Measured(rng.permuted(measured.counts, axis=0), measured.reference)
    tests = simulate(noise, 4, seed=0, halves=4, draws=3)
    assert abs(tests.loc[tests["choice"] == "rule", "gain"].mean()) < 0.01
    assert compare(tests)["random"]["p"] > 0.01


def test_the_choice_never_sees_the_hidden_genes_of_the_tissue(measured: Measured) -> None:
    """Their counts may say anything: which genes stay hidden, and so which were chosen, is the same."""
    other = measured.counts.copy()
    other[:] = np.random.default_rng(9).poisson(2, other.shape)
    left, right = (simulate(Measured(counts, measured.reference), 4, 0, 2, 1) for counts in (measured.counts, other))
    by = ["half", "choice", "draw", "gene"]
    assert left[by].equals(right[by])
