from __future__ import annotations

import numpy as np
import pytest

from backend.analysis.attending.null import Looked, stands_out
from tests.analysis.attending.readings import CELLS, SPECIAL, halves, simulate


def test_only_the_gene_that_is_looked_at_for_itself_stands_out_and_only_where_it_is() -> None:
    found = stands_out(simulate(), {"half": halves()}, seed=1)
    sure = found[found["p"] < 0.05]
    assert list(zip(sure["group"], sure["gene"])) == [("first", SPECIAL)]
    row = sure.iloc[0]
    assert row["weight"] > 2 * row["expected"]


def test_a_model_that_weighs_places_alone_makes_no_gene_stand_out() -> None:
    """Family-wise: some gene would be found in 5 % of such tables."""
    everyone = {"all": np.full(CELLS, "all cells")}
    false = [(stands_out(simulate(seed, boost=1.0), everyone, seed, 99)["p"] < 0.05).any() for seed in range(30)]
    assert sum(false) <= 5


def test_a_gene_that_always_comes_first_is_expected_to_have_much() -> None:
    looked = simulate(boost=1.0)
    first = looked.gene.copy()
    for start in np.flatnonzero(looked.rank == 0):
        cells = slice(start, start + int((looked.cell == looked.cell[start]).sum()))
        where = start + np.flatnonzero(first[cells] == 3)
        first[where] = first[start]
        first[start] = 3
    found = stands_out(
        Looked(looked.n_cells, looked.n_genes, looked.cell, first, looked.rank, looked.weight),
        {"all": np.full(CELLS, "all cells")},
        seed=0,
    ).set_index("gene")
    assert found["weight"].idxmax() == 3
    assert found.loc[3, "expected"] > 2 * found.drop(index=3)["expected"].max()


def test_the_expected_weight_is_the_mean_over_orders_of_neighbouring_ranks() -> None:
    """Two cells of nine genes: one block each, for a last block that is short joins the one before it."""
    weight = np.r_[np.arange(9.0, 0, -1), np.arange(9.0, 0, -1)] / 45
    looked = Looked(2, 9, np.repeat([0, 1], 9), np.tile(np.arange(9), 2), np.tile(np.arange(9), 2), weight)
    five = Looked(10, 9, *(np.tile(part, 5) for part in (looked.cell, looked.gene, looked.rank, looked.weight)))
    five = Looked(10, 9, np.repeat(np.arange(10), 9), five.gene, five.rank, five.weight)
    found = stands_out(five, {"all": np.full(10, "all")}, seed=0)
    assert found["expected"].to_numpy() == pytest.approx(np.full(9, 1 / 9))
    assert list(found["weight"]) == pytest.approx(list(np.arange(9.0, 0, -1) / 45))


def test_the_same_seed_gives_the_same_table() -> None:
    one, two = (stands_out(simulate(), {"half": halves()}, seed=2, shuffles=50) for _ in range(2))
    assert one.equals(two)
