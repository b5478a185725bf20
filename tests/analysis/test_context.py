from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from backend.analysis.context import context_graph, has_neighbours, spatial_context, surroundings


@pytest.mark.parametrize("portion", [1, 500, 10**9])
@pytest.mark.parametrize("sigma_um", [15.0, 1000.0])
def test_some_cells_at_a_time_give_the_bits_of_all_at_once(portion: int, sigma_um: float) -> None:
    random = np.random.default_rng(0)
    xy = random.uniform(0, 300, (200, 2)).astype(np.float32)
    xy[0], xy[2] = 1e6, xy[1]  # one far from all, two on one spot
    section = random.integers(0, 2, 200)
    section[3] = 7  # alone in its section
    expression = csr_matrix(random.poisson(0.5, (200, 12)).astype(np.float32))
    graph = context_graph(xy, section, sigma_um, self_loop=False)
    values, known = surroundings(xy, section, sigma_um, expression, portion)
    np.testing.assert_array_equal(values, spatial_context(graph, expression))
    np.testing.assert_array_equal(known, has_neighbours(graph))
    assert not known[[0, 3]].any()
    plain, _ = surroundings(xy, None, sigma_um, expression, portion)
    np.testing.assert_array_equal(
        plain, spatial_context(context_graph(xy, None, sigma_um, self_loop=False), expression)
    )
