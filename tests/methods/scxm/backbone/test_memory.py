from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from backend.methods.scxm.backbone import memory as remembering
from backend.methods.scxm.backbone.encoder import BackboneEncoder
from backend.methods.scxm.backbone.memory import Memory
from backend.methods.scxm.backbone.pool import Pool, make_pool
from backend.methods.scxm.config import ScxmConfig
from backend.methods.scxm.problem import Problem, build_problem
from tests.methods.scxm.backbone.tiny import tiny_bert, tiny_vocabulary
from tests.methods.scxm.simulated import simulate

CELLS, DRAWS, WIDTH = 30, 3, 16
GB_PER_ROW = WIDTH * 4 / 1e9


@pytest.fixture(scope="module")
def problem() -> Problem:
    truth = simulate(n_tissue=120, n_reference=CELLS)
    return build_problem(truth.pair(), ScxmConfig(encoder="geneformer-v2-104m", sigma_um=60.0), 0, tiny_vocabulary())


@pytest.fixture(scope="module")
def pool(problem: Problem) -> Pool:
    return make_pool(problem, DRAWS, 0)


def _filled(pool: Pool, trainable: int, budget_gb: float = 1.0) -> Memory:
    encoder = BackboneEncoder(tiny_bert(), 5, 8, trainable, has_cls=True)
    memory = Memory(encoder, pool, budget_gb)
    for part in range(len(memory.parts)):
        memory.fill(part)
    return memory


def _tokens(pool: Pool, members: np.ndarray) -> torch.Tensor:
    tokens = np.zeros((len(members), pool.tokens.lengths.max()), dtype=np.int64)
    for cell, member in enumerate(members):
        sentence = pool.tokens.sentence(member)
        tokens[cell, : len(sentence)] = sentence
    return torch.from_numpy(tokens)


def test_draws_are_of_their_own_cell_and_fit_the_panel_that_goes_with_them(problem: Problem, pool: Pool) -> None:
    assert pool.n_members == CELLS * DRAWS
    sentences = [pool.tokens.sentence(member) for member in range(pool.n_members)]
    assert len({tuple(sentence) for sentence in sentences}) > 0.95 * pool.n_members  # draws differ
    for member, sentence in enumerate(sentences):
        genes = problem.read.genes_of(sentence)  # type: ignore[union-attr]
        expressed = set(problem.reference[member // DRAWS].indices)
        assert set(genes[genes >= 0]) <= expressed
        assert set(genes[genes >= 0]) & set(problem.panel) == set(problem.panel[pool.own[member].indices])


def test_a_batch_is_a_random_draw_of_each_cell_sorted_by_length(pool: Pool) -> None:
    rows = np.arange(0, CELLS, 2)
    members = [pool.members(rows, np.random.default_rng(seed)) for seed in range(40)]
    assert all(sorted(found // DRAWS) == rows.tolist() for found in members)
    assert all(np.all(np.diff(pool.tokens.lengths[found]) >= 0) for found in members)
    assert {int(member) % DRAWS for found in members for member in found} == set(range(DRAWS))


@pytest.mark.parametrize("trainable", [0, 2, 4])
@pytest.mark.parametrize("budget_gb", [1.0, 700 * GB_PER_ROW, 0.0])
def test_what_is_kept_is_what_would_be_computed(
    pool: Pool, trainable: int, budget_gb: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembering, "PART", 300)
    memory = _filled(pool, trainable, budget_gb)
    if trainable:
        assert (memory.share == 1.0, memory.share == 0.0) == (budget_gb == 1.0, budget_gb == 0.0)
        assert memory._held.numel() * 4 <= budget_gb * 1e9
    members = pool.members(np.arange(CELLS), np.random.default_rng(1))
    with torch.no_grad():
        assert torch.allclose(memory.encoder(memory.of(members)), memory.encoder(_tokens(pool, members)), atol=1e-6)


@pytest.mark.parametrize("trainable", [0, 2])
def test_a_resumed_filling_has_the_same_bits(pool: Pool, trainable: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "PART", 300)
    whole = _filled(pool, trainable)
    half = len(whole.parts) // 2
    assert half >= 2
    saved = whole.tensors(half)
    assert bool(saved) == (trainable == 0)
    again = Memory(whole.encoder, pool, 1.0)
    calls: list[Any] = []
    monkeypatch.setattr(Memory, "fill", lambda self, part, fill=Memory.fill: (calls.append(part), fill(self, part)))
    again.restore(half, {name: value.clone() for name, value in saved.items()})
    assert calls == ([] if trainable == 0 else list(range(half)))
    for part in range(half, len(again.parts)):
        again.fill(part)
    assert torch.equal(again._held, whole._held)
    assert np.array_equal(again._at, whole._at)
