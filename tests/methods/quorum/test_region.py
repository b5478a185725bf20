from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from backend.methods.contract import Cells
from backend.methods.imputation import FoldView, Known
from backend.methods.quorum.region import impute_region, keep_aside, nearest, read_features, weigh
from backend.methods.reference.genes import knn, ridge
from backend.methods.reference.genes.scaled import known_columns

SIDE = 500.0


@dataclass
class FakeRun:
    folder: Path
    seed: int = 0
    threads: int = 1
    device: str = "cpu"

    def report(self, step: int, steps: int, **metrics: float) -> None:
        assert step <= steps

    def should_stop(self) -> bool:
        return False

    def checkpoint_due(self) -> bool:
        return False


@dataclass(frozen=True)
class Tissue:
    """Half of the targets follow a hidden state of the cell, half a gradient across the tissue."""

    counts: np.ndarray
    mean: np.ndarray
    place: np.ndarray
    n_inputs: int

    def view(self, known: np.ndarray) -> FoldView:
        genes = tuple(f"G{number:03d}" for number in range(self.counts.shape[1]))
        inputs, targets = self.counts[:, : self.n_inputs], self.counts[:, self.n_inputs :]
        cells = Cells(csr_matrix(inputs), genes[: self.n_inputs], "counts", self.place)
        reference = Cells(csr_matrix(self.counts[:50]), genes, "counts")
        return FoldView(cells, reference, genes[self.n_inputs :], Known(known, csr_matrix(targets[known])))

    def score(self, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        true = np.log1p(self.mean[:, self.n_inputs :])[rows]
        return np.array([np.corrcoef(x, y)[0, 1] for x, y in zip(true.T, values[rows].T)])


def simulate(n: int = 700, n_inputs: int = 60, n_targets: int = 12, seed: int = 0) -> Tissue:
    random = np.random.default_rng(seed)
    place = random.uniform(0, SIDE, (n, 2)).astype(np.float32)
    state = random.normal(size=(n, 3))
    mean = np.exp(0.6 * state @ random.normal(size=(3, n_inputs + n_targets)) - 0.8)
    gradient = np.exp(1.2 * np.sin(place[:, 0] / SIDE * 7.0) - 0.3)
    mean[:, n_inputs + n_targets // 2 :] = gradient[:, None]
    counts = random.poisson(mean).astype(np.float32)
    counts[counts[:, :n_inputs].sum(axis=1) == 0, 0] = 1.0
    return Tissue(counts, mean, place, n_inputs)


def test_it_beats_neighbours_and_ridge_where_space_and_state_both_tell(tmp_path: Path) -> None:
    tissue, run = simulate(), FakeRun(tmp_path)
    known = np.sort(np.random.default_rng(1).permutation(700)[:560])
    asked = np.setdiff1d(np.arange(700), known)
    view = tissue.view(known)
    ours = tissue.score(impute_region(view, run).values, asked)
    assert ours[:6].mean() > 0.5  # follow the state
    assert ours[6:].mean() > 0.5  # follow the place
    for method in (knn.METHOD, ridge.METHOD):
        fitted = method.fit(view, method.card.config(), run)
        assert ours.mean() > tissue.score(fitted.impute(view.target_genes, run).values, asked).mean() + 0.05


def test_near_cells_are_trusted_where_they_are_near_and_not_else(tmp_path: Path) -> None:
    """The last expert is the mean of the nearest known cells: of use at random, of none across a wide gap."""
    tissue = simulate()
    random = np.sort(np.random.default_rng(1).permutation(700)[:560])
    left = np.flatnonzero(tissue.place[:, 0] < 0.35 * SIDE)
    trust = []
    for known in (random, left):
        view, run = tissue.view(known), FakeRun(tmp_path)
        features = read_features(view, 0)
        trust.append(weigh(features, known_columns(view).read(view.target_genes), known, 700, run)[-1])
    assert trust[0] > 0.3
    assert trust[1] < 0.5 * trust[0]


def test_what_is_kept_aside_lies_as_far_off_as_what_is_unknown() -> None:
    tissue = simulate()
    scattered = np.sort(np.random.default_rng(1).permutation(700)[:560])
    half = np.flatnonzero(tissue.place[:, 0] < 0.5 * SIDE)
    for known, shared in ((scattered, 0.3), (half, 0.6)):
        parts = keep_aside(tissue.place, known, 700, seed=0)
        assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(len(known)))
        number = np.empty(len(known), dtype=int)
        for part, rows in enumerate(parts):
            number[rows] = part
        nearest_other = nearest_in(tissue.place[known])
        alike = (number == number[nearest_other]).mean()
        assert (alike < shared) if shared == 0.3 else (alike > shared)


def nearest_in(place: np.ndarray) -> np.ndarray:
    apart = np.linalg.norm(place[:, None] - place[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    return apart.argmin(axis=1)


def test_nearest_rows_are_those_of_the_largest_product() -> None:
    random = np.random.default_rng(0)
    pool, asked = random.normal(size=(40, 5)).astype(np.float32), random.normal(size=(7, 5)).astype(np.float32)
    expected = np.sort(np.argsort(-(asked @ pool.T), axis=1)[:, :6], axis=1)
    assert np.array_equal(np.sort(nearest(pool, asked, 6), axis=1), expected)


@pytest.mark.parametrize("case", ["few known", "one gene", "constant gene", "no coordinates", "two inputs"])
def test_poor_views_give_numbers(case: str, tmp_path: Path) -> None:
    tissue = simulate(n=150, n_inputs=2 if case == "two inputs" else 20, n_targets=1 if case == "one gene" else 4)
    if case == "constant gene":
        tissue.counts[:, -1] = 0.0
    view = tissue.view(np.arange(10 if case == "few known" else 100))
    if case == "no coordinates":
        cells = Cells(view.tissue.expression, view.tissue.genes, "counts")
        view = FoldView(cells, view.reference, view.target_genes, view.known)
    told = impute_region(view, FakeRun(tmp_path))
    assert told.values.shape == (150, len(view.target_genes))
    assert np.isfinite(told.values).all()
    assert told.values.min() >= 0
