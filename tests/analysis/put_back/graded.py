"""A tissue in which every place is of its own kind: two slow gradients, so that where a cell stood can be told."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from backend.analysis.context import context_graph, has_neighbours, spatial_context
from backend.analysis.put_back.evidence import Tissue

N, GENES, SIDE_UM, SIGMA_UM = 1_200, 40, 600.0, 40.0


def make_tissue(seed: int = 0, noise: float = 0.1, gradients: bool = True, n: int = N) -> Tissue:
    """predicted: what the place's context is on average, shrunk by half, with `noise`. Types say in which third along x
    a cell stands, for two cells of three. gradients False: expression, and so contexts, know nothing of the place."""
    random = np.random.default_rng(seed)
    xy = random.uniform(0, SIDE_UM, (n, 2))
    along = xy[:, :1] if gradients else random.uniform(0, SIDE_UM, (n, 1))
    across = xy[:, 1:] if gradients else random.uniform(0, SIDE_UM, (n, 1))
    rate = np.hstack([np.repeat(along, GENES // 2, axis=1), np.repeat(across, GENES // 2, axis=1)]) / SIDE_UM
    rate *= np.random.default_rng(99).uniform(0.2, 1.5, GENES)
    expression = csr_matrix(random.poisson(rate), dtype=np.float32)
    section = np.zeros(n, dtype=np.int32)
    graph = context_graph(xy, section, SIGMA_UM, self_loop=False)
    measured = spatial_context(graph, expression)
    measured[~has_neighbours(graph)] = np.nan
    predicted = (0.5 * (1 - np.exp(-rate)) + random.normal(0, noise, rate.shape)).astype(np.float32)
    third = np.where(random.random(n) < 0.67, along[:, 0] // (SIDE_UM / 3), random.integers(3, size=n))
    types = np.array(["A", "B", "C"], dtype=object)[np.minimum(third.astype(int), 2)]
    return Tissue(predicted, measured, expression, "counts", xy, section, np.zeros(n, dtype=np.int32), SIGMA_UM, types)
