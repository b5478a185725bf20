from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from backend.evaluation.context.disturbed import DEPTH, moved, scrambled, shifted
from backend.methods.contract import Cells

GENES = tuple(f"G{i}" for i in range(8))


def cells(scale: str = "counts", n: int = 4000) -> Cells:
    """Genes that all follow one hidden program, so that they go together."""
    random = np.random.default_rng(0)
    rate = random.gamma(2.0, 2.0, (n, 1)) * np.linspace(0.5, 2.0, len(GENES))
    places = random.uniform(0, 100, (n, 2)).astype(np.float32)
    counts = csr_matrix(random.poisson(rate), dtype=np.float32)
    return Cells(counts.log1p() if scale == "log" else counts, GENES, scale, places, np.arange(n, dtype=np.int32))


def together(made: Cells) -> float:
    return float(np.corrcoef(made.expression.toarray().T)[0, 1:].mean())


def test_the_strict_null_keeps_each_gene_and_nothing_that_genes_share() -> None:
    before, after = cells(), scrambled(cells(), 0)
    for column in range(len(GENES)):
        one, other = (np.sort(part.expression[:, column].toarray().ravel()) for part in (before, after))
        np.testing.assert_array_equal(one, other)
    assert together(before) > 0.5
    assert abs(together(after)) < 0.03
    np.testing.assert_array_equal(after.coordinates, before.coordinates)


def test_the_loose_null_moves_whole_cells() -> None:
    before, after = cells(), moved(cells(), 0)
    assert (after.expression != before.expression).nnz == 0
    assert np.mean(after.section == before.section) < 0.01
    # place and section of one cell stay together
    np.testing.assert_array_equal(after.coordinates, before.coordinates[after.section])


@pytest.mark.parametrize("scale", ["counts", "log", "normalised"])
def test_another_platform_has_its_own_factor_for_each_gene(scale: str) -> None:
    before = cells(scale)
    after = shifted(before, 0)
    assert after.scale == scale
    linear = [
        np.expm1(part.expression.toarray()) if scale == "log" else part.expression.toarray() for part in (before, after)
    ]
    if scale == "counts":
        np.testing.assert_array_equal(linear[1], np.rint(linear[1]))
    factor = linear[1].sum(axis=0) / linear[0].sum(axis=0) / DEPTH
    assert np.std(np.log(factor)) > 0.2
    same = shifted(before, 0).expression
    assert (same != after.expression).nnz == 0
    # within a gene the factor is one for all cells
    low, high = linear[0][:, 0] <= np.median(linear[0][:, 0]), linear[0][:, 0] > np.median(linear[0][:, 0])
    ratios = [linear[1][part, 0].sum() / linear[0][part, 0].sum() for part in (low, high)]
    assert ratios[0] == pytest.approx(ratios[1], rel=0.1)
