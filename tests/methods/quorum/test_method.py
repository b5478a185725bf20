"""Quorum on data whose truth is known, and on data that are a trial."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.errors import GeneMismatch
from backend.methods.contract import Cells
from backend.methods.imputation import FoldView
from backend.methods.quorum import method
from backend.methods.quorum.cells import alike_cells, directions, near_cells
from backend.methods.quorum.config import QuorumConfig
from backend.methods.quorum.kriging import hear
from backend.methods.quorum.likeness import Likeness, composition
from backend.methods.quorum.means import ExpectedMeans
from backend.methods.quorum.method import METHOD, with_voters
from backend.methods.quorum.pathways import Pathways
from backend.methods.quorum.trials import Choice, choose, clear_winner
from backend.methods.quorum.units import SHAPES, Shape, expression, standard_scores
from tests.methods.genes.small_pair import INPUTS, TARGETS, Run, mean_correlation, sparse, view, with_reference

CONFIG = QuorumConfig(trials=2)


def imputed(seen: FoldView) -> np.ndarray:
    return METHOD.fit(seen, CONFIG, Run()).impute(TARGETS, Run()).values


def test_a_gene_that_types_express_differently_is_imputed() -> None:
    seen, truth = view()
    assert mean_correlation(truth, imputed(seen)) > 0.8


def test_what_the_reference_says_of_the_target_matters() -> None:
    seen, truth = view()
    rng = np.random.default_rng(1)
    values = seen.reference.expression.toarray()
    places = [seen.reference.genes.index(gene) for gene in TARGETS]
    values[:, places] = rng.permuted(values[:, places], axis=0)
    assert mean_correlation(truth, imputed(with_reference(seen, values))) < 0.5


def test_values_are_expression_and_doubt_tells_the_unknown_gene() -> None:
    seen, _ = view()
    values = seen.reference.expression.toarray()
    at = seen.reference.genes.index("T0")
    values[:, at] = np.random.default_rng(2).permutation(values[:, at])  # nothing goes together with it any more
    found = METHOD.fit(with_reference(seen, values), CONFIG, Run()).impute(TARGETS, Run())
    assert found.units == "tissue"
    assert np.isfinite(found.values).all()
    assert found.values.min() >= 0
    assert found.doubt is not None
    assert found.doubt.argmax() == TARGETS.index("T0")


def test_portions_and_what_is_opened_again_say_the_same(tmp_path: Path) -> None:
    seen, _ = view()
    first = METHOD.fit(seen, CONFIG, Run())
    first.save(tmp_path)
    whole = first.impute(TARGETS, Run()).values
    again = METHOD.load(tmp_path, seen).impute(TARGETS[::-1], Run(seed=99)).values
    np.testing.assert_allclose(whole, again[:, ::-1], rtol=1e-5, atol=1e-6)
    fewer = replace(seen, tissue=replace(seen.tissue, expression=seen.tissue.expression[:, 1:], genes=INPUTS[1:]))
    with pytest.raises(GeneMismatch):
        METHOD.load(tmp_path, fewer)


def test_of_very_many_genes_those_that_are_seen_most_vote(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen, truth = view()
    assert with_voters(seen) is seen
    monkeypatch.setattr(method, "MOST_VOTERS", 12)
    fewer = with_voters(seen)
    shown = dict(zip(INPUTS, seen.tissue.expression.getnnz(axis=0), strict=True))
    left = set(INPUTS) - set(fewer.input_genes)
    assert len(fewer.input_genes) == 12
    assert min(shown[gene] for gene in fewer.input_genes) >= max(shown[gene] for gene in left)
    fitted = METHOD.fit(seen, CONFIG, Run())
    assert mean_correlation(truth, fitted.impute(TARGETS, Run()).values) > 0.6
    fitted.save(tmp_path)
    assert METHOD.load(tmp_path, seen).impute(TARGETS, Run()).genes == TARGETS


def test_unseen_region_learns_from_known_cells_alone(tmp_path: Path) -> None:
    seen, truth = view(known=True)
    seen = with_reference(seen, np.zeros(seen.reference.expression.shape))
    fitted = METHOD.fit(seen, CONFIG, Run())
    values = fitted.impute(TARGETS, Run()).values
    assert mean_correlation(truth[1::2], values[1::2]) > 0.7
    fitted.save(tmp_path)
    np.testing.assert_array_equal(METHOD.load(tmp_path, seen).impute(TARGETS, Run()).values, values)


def broken() -> dict[str, FoldView]:
    seen, _ = view()
    values = seen.reference.expression.toarray()
    constant = values.copy()
    constant[:, [seen.reference.genes.index("T0"), 0]] = 3
    flat = seen.tissue.expression.toarray()
    flat[:, 1] = 2
    two = replace(seen, tissue=replace(seen.tissue, expression=seen.tissue.expression[:, :2], genes=INPUTS[:2]))
    return {
        "constant genes": with_reference(seen, constant),
        "a constant tissue gene": replace(seen, tissue=replace(seen.tissue, expression=sparse(flat))),
        "one kind of cell": with_reference(seen, np.repeat(values[:1], len(values), axis=0)),
        "20 cells": with_reference(seen, values[:20]),
        "a scaled reference": with_reference(seen, np.log1p(values), "log"),
        "two genes": two,
        "no places": replace(seen, tissue=replace(seen.tissue, coordinates=None)),
        "three cells": replace(
            seen, tissue=Cells(seen.tissue.expression[:3], INPUTS, "counts", seen.tissue.coordinates[:3])
        ),
    }


@pytest.mark.parametrize("name", list(broken()))
def test_poor_data_give_finite_values(name: str) -> None:
    values = imputed(broken()[name])
    assert np.isfinite(values).all()
    assert values.min() >= 0


def test_told_to_stop_it_decides_by_the_trials_that_were_done() -> None:
    seen, _ = view()
    likeness = Likeness.of(seen, 0)
    among = likeness.to(likeness.level)
    none = np.zeros_like(among)
    whole = choose(seen.tissue, among, none, QuorumConfig(trials=4), Run())
    short = choose(seen.tissue, among, none, QuorumConfig(trials=4), Run(stop_after=0))
    assert (whole.tried, short.tried) == (24, 6)
    assert choose(replace(seen.tissue, expression=seen.tissue.expression[:, :4], genes=INPUTS[:4]), among, none,
                  CONFIG, Run()) == Choice()  # fmt: skip


def test_a_setting_leaves_the_default_only_for_a_clear_gain() -> None:
    rng = np.random.default_rng(0)
    usual = rng.normal(0.2, 0.1, 200)
    wobble = rng.normal(0, 0.2, 200)
    barely = usual + wobble - wobble.mean() + 0.005  # a standard error is .014
    better = usual + rng.normal(0.02, 0.05, 200)
    better[1] = np.nan
    assert clear_winner(np.stack([usual, barely]), 0) == 0
    assert clear_winner(np.stack([usual, better]), 0) == 1
    assert clear_winner(np.stack([usual, better]), 1) == 1
    worse = usual - 0.1
    assert clear_winner(np.stack([worse, usual]), 1) == 1


def test_kriging_is_the_textbook_formula() -> None:
    likeness = np.array([[1.0, 0.5], [0.5, 1.0]], dtype=np.float32)
    measured = np.array([[2.0, 4.0]], dtype=np.float32)
    votes = hear(measured, likeness, noise=1.0)
    asked = np.array([[0.8], [0.2]], dtype=np.float32)
    inverse = np.linalg.inv(likeness + np.eye(2))
    np.testing.assert_allclose(votes.of(asked), [[3 + ((measured[0] - 3) @ inverse @ asked)[0]]], rtol=1e-5)
    np.testing.assert_allclose(votes.doubt(asked, 1.0), np.sqrt(1 - (asked.T @ inverse @ asked)[0]), rtol=1e-5)


def test_an_exact_copy_is_the_likest() -> None:
    seen, _ = view()
    values = seen.reference.expression.toarray()
    values[:, seen.reference.genes.index("T0")] = values[:, seen.reference.genes.index("IN05")]
    likeness = Likeness.of(with_reference(seen, values), 0)
    found = likeness.to(likeness.columns.read(("T0",)))
    assert INPUTS[int(found[:, 0].argmax())] == "IN05"
    assert found[:, 0].max() == pytest.approx(1.0, abs=1e-3)


def test_composition_counts_the_cells_that_the_tissue_has() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.gamma(0.6, 4.0, (2, len(INPUTS))) + 0.05
    there = np.repeat([0, 1], 40)
    reference = Cells(sparse(rng.poisson(np.stack([first, second])[there])), INPUTS, "counts")
    only_first = Cells(sparse(rng.poisson(np.repeat(first[None], 50, axis=0))), INPUTS, "counts")
    both = Cells(sparse(np.vstack([rng.poisson(np.repeat(first[None], 45, axis=0)),
                                   rng.poisson(np.repeat(second[None], 5, axis=0))])), INPUTS, "counts")  # fmt: skip
    level = np.log1p(reference.expression.toarray())
    weights = composition(both, level, 0)
    assert weights[there == 0].mean() > 1.5 * weights[there == 1].mean()
    assert np.isfinite(composition(only_first, level, 0)).all()


def test_genes_of_one_pathway_are_alike_across_species_and_strangers_are_not() -> None:
    found = Pathways.of(("CD3D", "CD3E", "ALB", "APOA1")).to(("Cd3g", "Nonsense1"))
    assert found[:2, 0].min() > 3 * found[2:, 0].max()
    assert not found[:, 1].any()
    assert not Pathways.of(("CD3D", "CD3E"), used=False).to(("CD3G",)).any()


def test_neighbours_stay_in_their_section_and_leave_the_cell_out() -> None:
    seen, _ = view()
    section = np.repeat([0, 1], [100, 50]).astype(np.int32)
    graph = near_cells(replace(seen.tissue, section=section), 5)
    rows, columns = graph.nonzero()
    assert (section[rows] == section[columns]).all()
    assert (rows != columns).all()
    np.testing.assert_allclose(np.asarray(graph.sum(axis=1)).ravel(), 1, rtol=1e-5)
    same = alike_cells(np.ones((6, 3), dtype=np.float32), 2)  # equal points: the cell itself may not be listed
    assert np.asarray(same.sum(axis=1)).ravel() == pytest.approx(np.ones(6))


def test_directions_are_orthonormal_and_shrink_what_is_noise() -> None:
    seen, _ = view()
    found = directions(seen.tissue, "log", 10, 10)
    np.testing.assert_allclose(found.basis.T @ found.basis, np.eye(10), atol=1e-4)
    sizes = np.linalg.norm(found.measured, axis=1)
    assert sizes[0] > 3 * sizes[-1]


def test_expression_has_the_mean_that_the_gene_should_have() -> None:
    scores = standard_scores(np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32))
    means = np.array([0.1, 0.5, 2.0])
    for shape in (SHAPES[0], SHAPES[-1]):
        values = expression(scores, shape, means)
        np.testing.assert_allclose(values.mean(axis=0), means, rtol=1e-4)
        assert values.min() >= 0
    assert (np.diff(Shape().of(np.linspace(-1, 4, 20, dtype=np.float32))) > 0).all()  # order is kept


def test_expected_means_follow_what_the_inputs_show() -> None:
    seen, _ = view()
    rng = np.random.default_rng(0)
    rare, common = rng.poisson(0.05, (200, 1)), rng.poisson(5, (200, 1))
    inputs = np.log1p(rng.poisson(rng.gamma(0.6, 4.0, len(INPUTS)) + 0.05, (200, len(INPUTS)))).astype(np.float32)
    means = ExpectedMeans.learn(seen.tissue, inputs).of(np.log1p(np.hstack([rare, common])).astype(np.float32))
    assert 0 < means[0] < means[1]
