from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from backend.evaluation.genes.levels import Level, bins, clusters, grouped, levels_of, niches, score_levels
from backend.methods.contract import Cells
from tests.evaluation.genes.simulated_pair import WIDTH_UM, make_pair


def test_a_group_is_the_mean_of_its_cells() -> None:
    level = grouped("type", np.array([0, 1, 0, 3]))
    values = np.array([[1.0, 0.0], [2.0, 5.0], [3.0, 4.0], [7.0, 7.0]])
    np.testing.assert_array_equal(level.of(values), [[2, 2], [2, 5], [7, 7]])
    fewer = level.over(np.array([1, 2]))
    np.testing.assert_array_equal(fewer.of(values[[1, 2]]), [[3, 4], [2, 5]])


def test_bins_are_squares_of_50_um_that_never_cross_sections() -> None:
    places = np.array([[1, 1], [49, 49], [51, 1], [-1, 1], [1, 1]], dtype=np.float32)
    tissue = Cells(csr_matrix((5, 2)), ("A", "B"), "counts", places, np.array([0, 0, 0, 0, 1], dtype=np.int32))
    found = bins(tissue)
    assert found[0] == found[1]
    assert len(set(found)) == 4


def test_types_and_niches_are_read_from_inputs_and_places() -> None:
    tissue = make_pair().tissue
    stripe = (tissue.coordinates[:, 0] // (WIDTH_UM / 4)).astype(int)
    levels = {level.name: level for level in levels_of(tissue)}
    assert list(levels) == ["cell", "bin", "type", "niche"]
    assert levels["cell"].mean is None
    groups = niches(tissue)
    pure = [np.bincount(stripe[groups == g]).max() / np.sum(groups == g) for g in np.unique(groups)]
    assert np.mean(pure) > 0.85  # surroundings tell the stripe
    given = {level.name: level for level in levels_of(tissue, [f"type {s}" for s in stripe])}
    np.testing.assert_allclose(given["type"].of(stripe[:, None].astype(float)).ravel(), [0, 1, 2, 3], atol=1e-9)


def test_clusters_of_a_part_are_given_to_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    tissue = make_pair().tissue
    stripe = (tissue.coordinates[:, 0] // (WIDTH_UM / 4)).astype(int)
    monkeypatch.setattr("backend.evaluation.genes.levels._CLUSTERED", 150)
    for labels in (clusters(tissue), niches(tissue)):
        assert len(labels) == tissue.n_cells
        pure = [np.bincount(stripe[labels == g]).max() for g in np.unique(labels)]
        assert sum(pure) > 0.85 * tissue.n_cells


def test_without_places_there_are_no_bins() -> None:
    pair = make_pair()
    assert [level.name for level in levels_of(pair.reference)] == ["cell", "type"]


def test_what_averages_out_scores_higher_in_groups_and_two_groups_have_no_score() -> None:
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(30), 20)
    mean = rng.normal(size=(30, 2))[group]
    truth, predicted = (mean + rng.normal(0, 3, mean.shape) for _ in range(2))
    levels = [Level("cell"), grouped("bin", group), grouped("type", group // 15)]
    table = score_levels(truth, predicted, rng.normal(size=600), ("A", "B"), levels)
    assert set(table.level) == {"cell", "bin"}
    by = table.groupby("level").pcc.mean()
    assert by["bin"] > 0.5 > 0.3 > by["cell"]
    assert table.set_index(["level", "gene"]).n.to_dict() == {
        ("cell", "A"): 600, ("cell", "B"): 600, ("bin", "A"): 30, ("bin", "B"): 30,
    }  # fmt: skip
