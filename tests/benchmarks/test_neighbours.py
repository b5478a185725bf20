"""The plain comparator."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from backend.methods.contract import Cells
from benchmarks.neighbours import nearest_types
from tests.datasets.naming.small_tissue import kinds
from tests.datasets.raws import GENES


def cells(values: np.ndarray, scale: str = "counts") -> Cells:
    return Cells(csr_matrix(values), GENES, scale)  # type: ignore[arg-type]


def test_types_are_transferred_across_depth_and_scale() -> None:
    (reference, types), (query, truth) = kinds(300), kinds(150, seed=1)
    found, probability = nearest_types(cells(reference), types, cells(query))
    assert np.mean(found == truth) > 0.95
    assert probability.min() >= 1 / 3
    as_log, _ = nearest_types(cells(np.log1p(reference), "log"), types, cells(query))
    assert np.mean(as_log == truth) > 0.95


def test_names_given_at_random_are_not_sure() -> None:
    reference, types = kinds(300)
    _, probability = nearest_types(cells(reference), np.random.default_rng(0).permutation(types), cells(reference[:9]))
    assert np.median(probability) < 0.75


def test_cells_of_unknown_type_teach_nothing() -> None:
    reference, types = kinds(300)
    types[::2] = "unknown"
    assert "unknown" not in nearest_types(cells(reference), types, cells(kinds(60, seed=1)[0]))[0]


def test_other_genes_are_a_mistake() -> None:
    reference, types = kinds(300)
    with pytest.raises(ValueError, match="same genes"):
        nearest_types(cells(reference), types, Cells(csr_matrix(reference[:, :29]), GENES[:29], "counts"))
