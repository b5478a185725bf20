from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from backend.errors import UserError
from backend.evaluation.context import scored
from backend.evaluation.context.files import Opened
from backend.evaluation.context.learners import Lesson
from backend.evaluation.context.scored import MEASURED, Answered, cut_halves, draws_of_blocks, gene_interval
from backend.evaluation.context_track import measure_to_score
from backend.methods.contract import Cells


@pytest.fixture(scope="module")
def opened() -> Opened:
    """Expression follows the place along y."""
    random = np.random.default_rng(0)
    places = random.uniform(0, 600, (900, 2)).astype(np.float32)
    rate = 1 + np.sin(places[:, 1:] / 60 + np.linspace(0, 6, 10))
    genes = tuple(f"G{i}" for i in range(10))
    tissue = Cells(csr_matrix(random.poisson(rate), dtype=np.float32), genes, "counts", places, np.zeros(900, np.int32))
    return Opened(tissue, None, genes[:6], False, ())


def test_the_truth_itself_scores_one_and_noise_nothing(opened: Opened) -> None:
    truth, noise = Answered("truth", None), Answered("noise", None)
    random = np.random.default_rng(1)
    for half in cut_halves(opened, 25.0):
        assert half.test.coordinates is not None
        own = half.test.coordinates[:, 0] > 300
        assert own.all() or not own.any()
        truth.add(half, MEASURED, {MEASURED: half.truth.without_self}, 1.0, 0)
        guess = random.random(half.truth.without_self.shape).astype(np.float32)
        noise.add(half, MEASURED, {MEASURED: guess}, 1.0, 0)
        assert np.median(list(half.moran.values())) > 0.5  # contexts of neighbours overlap
    table = truth.genes()
    assert table[~table.self_loop].pcc.to_numpy() == pytest.approx(1.0, abs=1e-5)
    assert (table[table.self_loop].pcc < 0.999).all()
    low, high = truth.block_interval() or (0.0, 0.0)
    assert low == pytest.approx(1.0, abs=1e-4)
    assert high <= 1.0 + 1e-9
    low, high = noise.block_interval() or (9.0, 9.0)
    assert low < 0 < high
    assert truth.seconds == 2.0


def test_asked_cells_come_without_their_places_and_back_in_their_parts(opened: Opened) -> None:
    half = cut_halves(opened, 25.0)[0]
    asked = {"one": half.test, "two": half.test.of_rows(np.arange(7))}
    lesson = Lesson(half.train, None, asked, opened.panel, 25.0, False, 0, 1)
    for name, cells in lesson.queries.items():
        assert np.isnan(cells.coordinates).all()
        assert (cells.expression != asked[name].expression).nnz == 0
    assert lesson.unpaired.coordinates is None
    assert lesson.unpaired.n_cells == half.train.n_cells
    parts = lesson.split(lesson.task.queries)
    assert [len(part) for part in parts.values()] == [half.test.n_cells, 7]
    np.testing.assert_array_equal(parts["two"], parts["one"][:7])


def test_an_interval_over_genes_holds_the_median() -> None:
    values = np.random.default_rng(0).normal(0.3, 0.1, 200)
    low, high = gene_interval(np.append(values, np.nan), 0) or (0.0, 0.0)
    assert low < np.median(values) < high
    assert high - low == pytest.approx(4 * 1.2533 * 0.1 / np.sqrt(200), rel=0.4)
    assert gene_interval(np.array([0.5]), 0) is None


def test_genes_are_drawn_a_few_at_a_time_with_the_same_blocks(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    half = cut_halves(opened, 25.0)[0]
    guess = np.random.default_rng(1).random(half.truth.without_self.shape).astype(np.float32)
    whole = draws_of_blocks(half.truth, guess, half.test, 0)
    monkeypatch.setattr(scored, "PORTION", 4)
    np.testing.assert_allclose(draws_of_blocks(half.truth, guess, half.test, 0), whole, atol=1e-6)
    assert whole.shape == (scored.DRAWS, 6)


def test_cells_out_of_reach_of_each_other_cannot_be_scored(opened: Opened) -> None:
    places = opened.tissue.coordinates
    assert places is not None
    apart = replace(opened.tissue, coordinates=places * 10_000)
    with pytest.raises(UserError, match="no cell has a neighbour"):
        measure_to_score(apart, 25.0)
