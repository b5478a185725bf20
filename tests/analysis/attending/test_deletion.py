from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from backend.analysis.attending import deletion
from tests.analysis.attending.readings import CELLS, GENES, simulate


def test_random_genes_are_read_by_the_cell_detected_alike_and_never_attended() -> None:
    looked = simulate()
    detection = np.linspace(0.05, 0.9, GENES)
    found = deletion.plan(looked, detection, seed=0)
    for cell in range(CELLS):
        read = looked.gene[looked.cell == cell]
        attended = found.attended[cell][found.attended[cell] >= 0]
        assert len(attended) == len(read) // 3
        assert list(found.first[cell][: len(attended)]) == list(read[: len(attended)])
        for random in found.random[:, cell, : len(attended)]:
            assert set(random) <= set(read) - set(attended)
            assert len(set(random)) == len(random)
    known = found.attended >= 0
    gaps = np.abs(detection[found.random[:, known]] - detection[found.attended[known]])
    strangers = np.abs(detection[:, None] - detection[None, :]).mean()
    assert gaps.mean() < 0.6 * strangers


def test_the_attended_are_those_of_most_weight() -> None:
    looked = simulate()
    found = deletion.most_attended(looked, 4)
    mine = looked.cell == 5
    order = np.argsort(-looked.weight[mine])
    assert list(found[5]) == list(looked.gene[mine][order[:4]])


def test_genes_are_taken_out_of_their_own_cell_only() -> None:
    rows = csr_matrix(np.float32([[1, 2, 0, 3], [1, 2, 4, 0]]))
    left = deletion.without(rows, np.array([[1, 3], [2, -1]]))
    assert left.toarray().tolist() == [[1, 0, 0, 0], [1, 2, 0, 0]]
    assert left.nnz == 3


def test_a_change_is_in_units_of_the_predictions_spread() -> None:
    before, after = np.zeros((2, 4)), np.array([[0.1, 0.1, 0.2, 0.2], [0.0, 0.0, 0.0, 0.0]])
    assert deletion.changed(before, after, np.array([0.1, 0.1, 0.2, 0.2])) == pytest.approx([1.0, 0.0])


def test_sets_that_matter_are_told_from_sets_that_do_not() -> None:
    rng = np.random.default_rng(0)
    random = rng.gamma(2.0, 0.1, (5, 80))
    groups = np.repeat(["matters", "does not"], 40)
    attended = rng.gamma(2.0, 0.1, 80) * np.where(groups == "matters", 2.0, 1.0)
    found = deletion.compare(attended, random, groups, seed=0).set_index("group")
    assert found.loc["matters", "p"] < 0.01
    assert found.loc["matters", "ratio"] == pytest.approx(2.0, rel=0.25)
    assert found.loc["does not", "p"] > 0.05
    assert (found["q"] >= found["p"]).all()


def test_the_test_keeps_its_level() -> None:
    rng = np.random.default_rng(1)
    p = [
        float(
            deletion.compare(rng.gamma(2.0, 1.0, 20), rng.gamma(2.0, 1.0, (5, 20)), np.full(20, "all"), 0)["p"].iloc[0]
        )
        for _ in range(100)
    ]
    assert 0 <= (np.array(p) < 0.1).sum() <= 19
    assert 0.35 < np.mean(p) < 0.65


def test_cells_that_were_not_tried_and_groups_of_few_cells_do_not_count() -> None:
    attended = np.r_[np.full(10, 2.0), np.full(5, np.nan), np.full(9, 1.0)]
    groups = np.repeat(["large", "large", "small"], [10, 5, 9])
    found = deletion.compare(attended, np.ones((5, 24)), groups, seed=0)
    assert isinstance(found, pd.DataFrame)
    assert list(found["group"]) == ["large"]
    assert found["n"].iloc[0] == 10
