"""Entropic optimal transport between the tissue's own cells and its places (Cuturi 2013), carried over to other cells.

The plan that moves cells to places at least cost, each place taking in equally many, is p_ij proportional to
exp(score_ij + g_j): a map as without transport, plus one potential per place, which says how much too often the place
is chosen. Potentials are found with cells of the tissue whose places are known and applied to any other cell
(out-of-sample extension of the plan; Pooladian and Niles-Weed 2021). So the reference's composition, which is not the
tissue's, does not push cells around.
"""

from __future__ import annotations

import numpy as np

from backend.analysis.put_back.maps import Floats, Ground, each_map

ITERATIONS = 25


def find_potentials(cells: Floats, ground: Ground, firmness: float) -> Floats:
    """g of each place. cells: of the tissue, a few hundred at least. firmness: 1, each place takes in the same; below,
    the marginal is relaxed (unbalanced transport, Chizat et al. 2018), down to 0, where nothing is corrected."""
    potential = np.zeros(len(ground), dtype=np.float64)
    for _ in range(ITERATIONS):
        moved = Ground(ground.places, (ground.offset + potential).astype(np.float32), ground.xy_um, ground.area)
        load = np.zeros(len(ground), dtype=np.float64)
        for _, found in each_map(cells, moved):
            load += found.sum(axis=0, dtype=np.float64)
        load *= len(ground) / len(cells)
        # Damped by `firmness` towards 0: the fixed point of the relaxed problem.
        potential = firmness * (potential - np.log(np.maximum(load, 1e-6)))
    return np.asarray(potential, dtype=np.float32)
