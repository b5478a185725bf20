from __future__ import annotations

import numpy as np
import pytest

from backend.analysis.put_back import fit, maps
from backend.analysis.put_back.fit import find_canonical
from backend.analysis.put_back.maps import Ground, best_guesses, cut_tiles, each_map, mean_map, regions, share_inside
from backend.analysis.put_back.transport import find_potentials


@pytest.fixture
def ground() -> Ground:
    random = np.random.default_rng(0)
    places = random.normal(size=(300, 3)).astype(np.float32)
    area = np.repeat([0, 1], 150).astype(np.intp)
    return Ground(places, random.normal(size=300).astype(np.float32), random.uniform(0, 100, (300, 2)), area)


def test_maps_do_not_depend_on_the_size_of_portions(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = np.random.default_rng(1).normal(size=(50, 3)).astype(np.float32)
    whole, inside = mean_map(cells, ground), ground.xy_um[:, 0] < 50
    shares = share_inside(cells, ground, inside)
    monkeypatch.setattr(maps, "PORTION", 900)
    assert len(list(each_map(cells, ground))) == 17
    assert np.allclose(mean_map(cells, ground), whole, atol=1e-7)
    assert np.allclose(share_inside(cells, ground, inside), shares, atol=1e-6)
    assert whole.sum() == pytest.approx(1, abs=1e-5)


def test_a_cell_is_put_in_its_area_alone(ground: Ground) -> None:
    cells = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
    for rows, found in each_map(cells, ground, np.array([0, 1, 1, 0])):
        assert found[:, :150].sum(axis=1) == pytest.approx([1, 0, 0, 1], abs=1e-5)
        assert rows == slice(0, 4)


def test_regions_are_the_smallest_that_hold_their_mass() -> None:
    density = np.array([0.05, 0.4, 0.3, 0.05, 0.2], dtype=np.float32)
    assert regions(density, (0.5, 0.8, 0.95)).tolist() == [2, 0, 0, 3, 1]


def test_the_best_guess_is_the_middle_of_a_lump_and_stays_in_its_area(ground: Ground) -> None:
    xy = np.array([[0.0, 0], [10, 0], [20, 0], [1000, 0], [0, 0]])
    spread = Ground(np.zeros((5, 1), np.float32), np.zeros(5, np.float32), xy, np.array([0, 0, 0, 0, 1]))
    tiles = cut_tiles(spread)
    found = np.array([[0.3, 0.3, 0.3, 0.1, 0.0], [0.0, 0.0, 0.0, 0.4, 0.6]], dtype=np.float32)
    guess = best_guesses(found, tiles)
    assert tiles.middle_um[guess].tolist() == [[10, 0], [0, 0]]
    assert tiles.area[guess].tolist() == [0, 1]


def test_canonical_scores_are_the_log_density_ratio_of_a_gaussian(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the closed form for one pair of variables of correlation 0.6."""
    monkeypatch.setattr(fit, "RIDGE", 0.0)
    random = np.random.default_rng(0)
    u = random.normal(size=(200_000, 1))
    v = 0.6 * u + 0.8 * random.normal(size=u.shape)
    fitted = find_canonical(u, v)
    a, (b, offset) = fitted.of_cells(np.array([[1.5]])), fitted.of_places(np.array([[-1.0], [0.5], [2.0]]))
    score = (a @ b.T + offset).ravel()
    grid = np.array([-1.0, 0.5, 2.0])
    exact = (0.6 * 1.5 * grid - 0.5 * 0.36 * grid**2) / (1 - 0.36)
    assert fitted.strength[0] == pytest.approx(0.6, abs=0.01)
    assert np.diff(score) == pytest.approx(np.diff(exact), rel=0.05)


def test_strict_transport_spreads_the_tissues_cells_evenly_and_relaxed_less(ground: Ground) -> None:
    cells = np.random.default_rng(2).normal(size=(400, 3)).astype(np.float32)
    uneven = []
    for firmness in (0.0, 0.5, 1.0):
        moved = Ground(
            ground.places, ground.offset + find_potentials(cells, ground, firmness), ground.xy_um, ground.area
        )
        uneven.append(float(np.std(np.log(mean_map(cells, moved) * 300))))
    assert uneven[0] > 1.5 * uneven[1] > 2 * uneven[2]
    assert uneven[2] < 0.1
