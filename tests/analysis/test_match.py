from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from backend.analysis import match
from backend.datasets.expression import log_normalise
from backend.methods.contract import Cells

TYPES = ("B cell", "T cell", "mast", "tumour", "vessel")
N_GENES = 60


def rates(seed: int = 0) -> np.ndarray:
    """types x genes: each type has 8 genes of its own."""
    base = np.random.default_rng(seed).gamma(1.0, 0.5, N_GENES)
    table = np.tile(base, (len(TYPES), 1))
    for k in range(len(TYPES)):
        table[k, 8 * k : 8 * k + 8] += 4.0
    return table


def make(seed: int, types: tuple[str, ...] = TYPES, per_type: int = 40, bias: float = 0.0, depth: float = 1.0):  # type: ignore[no-untyped-def]
    """Cells of each type and their names. bias: sd of the log efficiency per gene of the platform."""
    rng = np.random.default_rng(seed)
    efficiency = np.exp(rng.normal(0, bias, N_GENES)) * depth
    labels = np.repeat(np.array(types, dtype=object), per_type)
    mean = rates()[[TYPES.index(name) for name in labels]] * efficiency
    cells = Cells(
        csr_matrix(rng.poisson(mean).astype(np.float32)), tuple(f"G{i:02d}" for i in range(N_GENES)), "counts"
    )
    return cells, labels


def seen(cells: Cells, labels: np.ndarray) -> match.Profiles:
    return match.profiles(log_normalise(cells.expression, cells.scale), labels, 5)


def test_profiles_are_means_by_type_and_small_types_are_left_out() -> None:
    values = csr_matrix(np.array([[1, 0], [3, 0], [0, 5]], dtype=np.float32))
    found = match.profiles(values, np.array(["b", "b", "a"], dtype=object), 2)
    assert found.names == ("b",)
    np.testing.assert_allclose(found.mean, [[2, 0]])
    assert found.cells.tolist() == [2]


def test_markers_are_the_planted_genes() -> None:
    cells, labels = make(0)
    found = match.markers(log_normalise(cells.expression, "counts"), labels, cells.genes)
    for k, name in enumerate(TYPES):
        first = set(found[found["type"] == name]["gene"][:8])
        assert first == {f"G{i:02d}" for i in range(8 * k, 8 * k + 8)}
    assert found.groupby("type").size().max() <= match.MOST_MARKERS


def test_a_type_of_few_cells_has_no_markers_and_neither_have_random_names() -> None:
    cells, labels = make(0)
    logged = log_normalise(cells.expression, "counts")
    few = labels.copy()
    few[few == "mast"] = "B cell"
    few[:9] = "mast"
    assert "mast" not in set(match.markers(logged, few, cells.genes)["type"])
    shuffled = np.random.default_rng(0).permutation(labels)
    assert len(match.markers(logged, shuffled, cells.genes)) <= 3


def test_thinned_counts_have_the_depth_asked_and_never_more_than_there_was() -> None:
    cells, _ = make(1, depth=5.0)
    thinned = match.thin(cells, np.array([100.0]), 0)
    depth = np.asarray(thinned.sum(axis=1)).ravel()
    assert np.median(depth) == pytest.approx(100, rel=0.05)
    assert (thinned.toarray() <= cells.expression.toarray()).all()
    deeper = match.thin(cells, np.array([1e9]), 0)
    np.testing.assert_array_equal(deeper.toarray(), cells.expression.toarray())


def test_values_without_depth_are_drawn_at_the_depth_asked() -> None:
    cells, _ = make(1)
    logged = Cells(log_normalise(cells.expression, "counts"), cells.genes, "log")
    depth = np.asarray(match.thin(logged, np.array([80.0]), 0).sum(axis=1)).ravel()
    assert np.median(depth) == pytest.approx(80, rel=0.1)
    assert (depth == np.rint(depth)).all()


def test_each_type_finds_itself_through_another_platforms_bias() -> None:
    tissue, names = make(2, bias=0.6, depth=0.4)
    atlas, types = make(3)
    table = match.likeness(seen(tissue, names), seen(atlas, types), 0.9, 0).table
    assert (table["type"] == table["nearest"]).all()
    assert (table["r"] > table["limit"]).all()
    np.testing.assert_allclose(table["distance"], (1 - table["r"]) / (1 - table["limit"]))


@pytest.mark.parametrize("missing", TYPES)
def test_a_type_that_the_atlas_lacks_is_the_only_one_beyond_the_limit(missing: str) -> None:
    tissue, names = make(2, bias=0.6, depth=0.4)
    atlas, types = make(3, tuple(name for name in TYPES if name != missing))
    table = match.likeness(seen(tissue, names), seen(atlas, types), 0.9, 0).table
    assert table[table["r"] < table["limit"]]["type"].tolist() == [missing]


def test_with_few_genes_chance_sets_the_limit() -> None:
    rng = np.random.default_rng(0)
    wide, narrow = (match.Profiles(TYPES, rng.random((5, n)), np.full(5, 50)) for n in (2000, 12))
    assert match.likeness(wide, wide, 0.9, 0).table["chance"].max() < 0.15
    table = match.likeness(narrow, narrow, 0.9, 0).table
    assert (table["limit"] > 0.9 * match.OWN_SHARE).all()
    assert (table["limit"] == table["chance"].clip(upper=0.95)).all()


def test_an_atlas_knows_its_own_types_and_not_names_drawn_by_lot() -> None:
    atlas, types = make(3)
    thinned = match.thin(atlas, np.array([60.0]), 0)
    own, f1 = match.own_likeness(atlas, thinned, types, 0)
    assert own > 0.9
    assert set(f1.index) == set(TYPES)
    assert f1.mean() > 0.95
    own, f1 = match.own_likeness(atlas, thinned, np.random.default_rng(0).permutation(types), 0)
    assert own < 0.5
    assert f1.mean() < 0.4


def test_rare_types_of_the_atlas_are_not_scored() -> None:
    atlas, types = make(3)
    types[types == "mast"] = "B cell"
    types[:9] = "rare"
    _, f1 = match.own_likeness(atlas, atlas.expression, types, 0)
    assert "rare" not in f1


def test_groups_of_a_sample_reach_all_cells() -> None:
    cells, labels = make(4)
    rows = np.sort(np.random.default_rng(0).choice(len(labels), 80, replace=False))
    found = match.nearest_group(log_normalise(cells.expression, "counts"), rows, labels[rows])
    assert (found[rows] == labels[rows]).all()
    assert np.mean(found == labels) > 0.95


def test_the_fit_is_the_weighted_geometric_mean_and_no_part_makes_up_for_another() -> None:
    parts = {"panel": 0.9, "expression": 0.6, "cells": 0.8, "names": 0.5, "types": 0.7}
    assert match.fit_score(parts) == pytest.approx(100 * (0.9 * 0.6 * 0.8**2 * 0.5 * 0.7) ** (1 / 6))
    assert match.fit_score(dict.fromkeys(parts, 1.0)) == pytest.approx(100)
    assert match.fit_score({**parts, "cells": 0.0}) < 10
    assert match.fit_score({**parts, "cells": 0.7}) < match.fit_score({**parts, "names": 0.4})


def test_genes_side_by_side() -> None:
    tissue = Cells(csr_matrix(np.array([[2, 0], [0, 0]], dtype=np.float32)), ("A", "B"), "counts")
    atlas = Cells(csr_matrix(np.array([[0, 1.0], [0, 2.0]], dtype=np.float32)), ("A", "B"), "log")
    table = match.by_gene(tissue, atlas).set_index("gene")
    assert table["detection_tissue"].tolist() == [0.5, 0.0]
    assert table["detection_atlas"].tolist() == [0.0, 1.0]
    assert table.loc["A", "mean_tissue"] == pytest.approx(np.log1p(1e4) / 2)
    assert isinstance(table, pd.DataFrame)
