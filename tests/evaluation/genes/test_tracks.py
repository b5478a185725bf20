from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from backend.errors import UserError
from backend.evaluation.genes.folds import gene_folds
from backend.evaluation.genes.regions import blocks, casper_seed42
from backend.evaluation.genes.tracks import Plan, check_imputed, make_trial, score_trial, trial_levels
from backend.methods.imputation import Imputed
from tests.evaluation.genes.simulated_pair import make_pair


def test_the_view_of_an_unmeasured_gene_knows_nothing_of_it() -> None:
    pair = make_pair()
    fold = gene_folds(pair.shared)[1]
    trial = make_trial("unmeasured-gene", pair, 1, fold)
    assert trial.view.input_genes == fold.inputs
    assert trial.view.target_genes == fold.targets
    assert trial.view.known is None
    assert set(fold.targets) <= set(trial.view.reference.genes)
    counts = pair.tissue.expression.toarray()
    places = [pair.tissue.genes.index(gene) for gene in fold.inputs]
    np.testing.assert_array_equal(trial.view.tissue.expression.toarray(), counts[:, places])
    assert len(trial.rows) == trial.view.tissue.n_cells


@pytest.mark.parametrize("split", ["blocks", "casper-seed42"])
def test_an_unseen_region_knows_its_genes_elsewhere_and_is_scored_inside(split: str) -> None:
    pair = make_pair()
    fold = gene_folds(pair.shared)[2]
    trial = make_trial("unseen-region", pair, 2, fold, Plan(split=split))
    region = casper_seed42(240) if split != "blocks" else blocks(pair.tissue.coordinates, pair.tissue.section)[2]
    known = trial.view.known
    np.testing.assert_array_equal(trial.seen.rows[known.rows], region.train)
    np.testing.assert_array_equal(trial.seen.rows[trial.rows], region.test)
    places = [pair.tissue.genes.index(gene) for gene in fold.targets]
    counts = pair.tissue.expression.toarray()[:, places]
    np.testing.assert_array_equal(known.expression.toarray(), counts[region.train])


def test_an_empty_input_set_is_said() -> None:
    pair = make_pair()
    fold = gene_folds(pair.shared)[0]
    counts = pair.tissue.expression.toarray()
    counts[:, [pair.tissue.genes.index(gene) for gene in fold.inputs]] = 0
    empty = replace(pair, tissue=replace(pair.tissue, expression=csr_matrix(counts)))
    with pytest.raises(UserError) as caught:
        make_trial("unmeasured-gene", empty, 0, fold)
    assert "leaves 0 cells" in caught.value.what
    assert caught.value.mend


def test_a_perfect_answer_scores_one_at_every_level_and_only_on_scored_rows() -> None:
    pair = make_pair()
    trial = make_trial("unseen-region", pair, 0, gene_folds(pair.shared)[0])
    values = np.random.default_rng(0).random(trial.truth.values.shape).astype(np.float32)
    values[trial.rows] = trial.truth.values[trial.rows]
    table = score_trial(trial, Imputed(values, trial.fold.targets, units="tissue"), trial_levels(trial))
    assert set(table.level) == {"cell", "bin", "type", "niche"}
    np.testing.assert_allclose(table.pcc, 1)
    np.testing.assert_allclose(table.rmse, 0, atol=1e-7)
    assert (table.fold == 0).all()
    assert (table[table.level == "cell"].n == len(trial.rows)).all()


def test_an_answer_that_is_not_finite_is_not_scored() -> None:
    pair = make_pair()
    trial = make_trial("unmeasured-gene", pair, 0, gene_folds(pair.shared)[0])
    values = trial.truth.values.copy()
    values[0, :2] = np.nan
    with pytest.raises(UserError, match="no finite number for 2 of 6 genes"):
        check_imputed(Imputed(values, trial.fold.targets), trial, "Some method")
    with pytest.raises(ValueError, match="gave"):
        check_imputed(Imputed(values[:, :3], trial.fold.targets[:3]), trial, "Some method")
