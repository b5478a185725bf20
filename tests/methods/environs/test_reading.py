from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.errors import DataError
from backend.methods.contract import Cells
from backend.methods.environs.reading import FEWEST_OWN, Reading, fit_reading, jitter
from backend.methods.thinning import linear_shares

CELLS, GENES = 400, 30


def cells(seed: int, efficiency: NDArray[np.float64] | float = 1.0) -> Cells:
    random = np.random.default_rng(seed)
    rates = np.random.default_rng(9).gamma(2.0, 1.0, GENES) * random.lognormal(0, 0.4, (CELLS, GENES))
    counts = random.poisson(rates * efficiency).astype(np.float32)
    return Cells(csr_matrix(counts), tuple(f"G{number}" for number in range(GENES)), "counts")


@pytest.fixture(scope="module")
def reading() -> Reading:
    parts = np.array_split(np.arange(CELLS), 5)
    return fit_reading(cells(0), parts)[0]


def test_cells_of_the_same_platform_keep_their_differences(reading: Reading) -> None:
    """Half the cells, chosen for one gene, are high in it whoever is read beside them."""
    shares = linear_shares(cells(1))
    whole = reading.read(shares)
    chosen = np.argsort(-whole[:, 3])[: CELLS // 2]
    np.testing.assert_allclose(replace(reading, usual=np.inf).read(shares[chosen]), whole[chosen])
    assert abs(whole.mean(axis=0)).max() < 0.2


def test_another_platform_is_read_on_its_own_scale(reading: Reading) -> None:
    efficiency = np.random.default_rng(2).lognormal(0.0, 1.0, GENES)
    other = linear_shares(cells(3, efficiency))
    deaf = replace(reading, usual=np.inf)
    assert abs(deaf.read(other).mean(axis=0)).max() > 1.0
    assert abs(reading.read(other).mean(axis=0)).max() < 0.1
    few = other[: FEWEST_OWN - 1]  # too few to say that it is their platform
    np.testing.assert_array_equal(reading.read(few), deaf.read(few))


def test_rare_and_constant_genes_are_not_read() -> None:
    counts = cells(0).expression.toarray()
    counts[:, 0] = 0
    counts[:, 1] = 0
    counts[5, 1] = 1
    found, inputs = fit_reading(Cells(csr_matrix(counts), cells(0).genes, "counts"), [])
    assert (found.weight[:2] == 0).all()
    assert (found.weight[2:] > 0).all()
    assert inputs.shape == (CELLS, found.n_read) == (CELLS, GENES - 2)
    assert np.isfinite(inputs).all()
    nothing = Cells(csr_matrix(np.eye(CELLS, 5, dtype=np.float32)), cells(0).genes[:5], "counts")
    with pytest.raises(DataError, match="No gene of the tissue can be read"):
        fit_reading(nothing, [np.arange(20)])


def test_jitter_is_one_platform_for_the_whole_batch() -> None:
    inputs = np.tile(np.linspace(-1, 1, GENES, dtype=np.float32), (2000, 1))
    shown = jitter(inputs, 0.4, np.random.default_rng(0))
    assert (shown.mean(axis=0) - inputs[0]).std() > 0.1  # genes are moved
    assert abs(np.corrcoef(shown[:1000].mean(axis=0), shown[1000:].mean(axis=0))[0, 1]) > 0.99  # all cells alike
    np.testing.assert_array_equal(jitter(inputs, 0.0, np.random.default_rng(0)), inputs)
