from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from backend.methods.casper.centroids import Centroids
from backend.methods.casper.config import CasperConfig
from backend.methods.casper.model import RegionNetwork
from backend.methods.casper.tasks import gene_task, gene_trials, inner_tiles
from backend.methods.casper.train import best_epochs
from tests.methods.casper.simulated import simulate

CONFIG = CasperConfig(hidden=16, width=8, heads=2)


def test_the_attention_is_the_usual_multi_head_one() -> None:
    """Against torch's own, with the same weights (methods.md §1.3)."""
    torch.manual_seed(0)
    network = RegionNetwork(5, 7, 3, CONFIG).eval()
    usual = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    with torch.no_grad():
        parts = (network.logits.query, network.logits.key, network.value)
        usual.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        usual.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
        usual.out_proj.load_state_dict(network.out.state_dict())
        inputs, read = torch.randn(4, 5), torch.randn(6, 7)
        cells, centroids = network.cells(inputs), network.centroids(read)
        keys = centroids.expand(4, -1, -1)
        mixed, weights = usual(cells[:, None], keys, keys)
        goals = network.head(network.norm(cells + mixed[:, 0]))
        told, own = network(inputs, read)
    assert torch.allclose(told, goals, atol=1e-6)
    assert torch.allclose(own, weights[:, 0], atol=1e-6)


def test_centroids_are_means_of_their_members() -> None:
    reference = simulate(n_tissue=20, n_reference=60).view.reference
    members = np.arange(60, dtype=np.int32) % 3
    counts = reference.expression.toarray()
    logged = np.log1p(1e4 * counts / counts.sum(axis=1, keepdims=True))
    found = Centroids(reference, members, "reference", 0)
    genes = reference.genes[::-1][:5]
    columns = [reference.genes.index(gene) for gene in genes]
    means = np.stack([logged[members == group].mean(axis=0) for group in range(3)])[:, columns]
    assert np.allclose(found.means(genes), means, atol=1e-4)
    centre, deviation = logged.mean(axis=0)[columns], logged.std(axis=0)[columns]
    assert np.allclose(found.standard(genes), (means - centre) / deviation, atol=1e-3)
    within = np.stack([logged[members == group].var(axis=0) for group in range(3)])[:, columns]
    assert np.allclose(found.doubt(genes), within / deviation**2, atol=1e-3)


def test_shuffled_centroids_hold_the_same_values_dealt_by_gene() -> None:
    reference = simulate(n_tissue=20, n_reference=90).view.reference
    members = np.arange(90, dtype=np.int32) % 9
    real, dealt = (Centroids(reference, members, kind, 0).means(reference.genes) for kind in ("reference", "shuffled"))
    assert np.allclose(np.sort(real, axis=0), np.sort(dealt, axis=0))
    assert not np.allclose(real, dealt)
    again = Centroids(reference, members, "shuffled", 0).means(reference.genes[4:6])
    assert np.array_equal(again, dealt[:, 4:6])


def test_hidden_genes_change_nothing_that_the_query_reads() -> None:
    """Neither their values nor, through the cell's total, their share (trap 5)."""
    truth = simulate(n_tissue=40)
    found = Centroids(truth.view.reference, np.arange(300, dtype=np.int32) % 5, "reference", 0)
    task = gene_trials(gene_task(truth.view, found, CONFIG, "cpu"), seed=0)[0]
    hidden = task.aside.bool()
    other = task.counts.clone()
    other[:, hidden] = 50 - other[:, hidden]
    before, after = (task._scores(counts, task.shown)[:, ~hidden] for counts in (task.counts, other))
    assert torch.equal(before, after)


def test_every_gene_of_a_small_panel_is_kept_aside_once() -> None:
    truth = simulate(n_tissue=40, n_inputs=23)
    found = Centroids(truth.view.reference, np.arange(300, dtype=np.int32) % 5, "reference", 0)
    trials = gene_trials(gene_task(truth.view, found, CONFIG, "cpu"), seed=0)
    assert torch.equal(sum(trial.aside for trial in trials), torch.ones(23))
    assert all(float((trial.aside * trial.shown).sum()) == 0 for trial in trials)


def test_inner_tiles_are_contiguous_and_of_the_known_cells() -> None:
    truth = simulate(n_tissue=500)
    rows = np.arange(100, 500)
    number = inner_tiles(truth.measured_in(rows), seed=0)
    assert np.bincount(number, minlength=5).min() > 40
    place = truth.view.tissue.coordinates
    assert place is not None
    apart = np.linalg.norm(place[rows][:, None] - place[rows][None], axis=2)
    np.fill_diagonal(apart, np.inf)
    alike = (number == number[apart.argmin(axis=1)]).mean()
    assert alike > 0.7  # 0.2 if cells were drawn at random


@pytest.mark.parametrize(
    ("scores", "most", "expected"),
    [([[0.1, 0.3, 0.2]], 9, 2), ([[0.1, 0.3, 0.2, 0.9], [0.0, 0.1, 0.5]], 9, 3), ([], 20, 4)],
)
def test_the_epoch_is_that_of_the_best_mean_score(scores: list[list[float]], most: int, expected: int) -> None:
    assert best_epochs(scores, most) == expected
