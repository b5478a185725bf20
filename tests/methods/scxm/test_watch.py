from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from torch import nn

from backend.methods.contract import Cells
from backend.methods.scxm import train
from backend.methods.scxm.config import ScxmConfig
from backend.methods.scxm.encoders import build_encoder
from backend.methods.scxm.method import METHOD
from backend.methods.scxm.problem import Problem, build_problem
from backend.methods.scxm.train import Training
from backend.methods.scxm.watch import CELLS, Watch
from backend.training.device import repeatable
from tests.methods.scxm.backbone.tiny import tiny_source
from tests.methods.scxm.simulated import FakeRun, Truth, median_pcc, simulate

SMALL = {"decoder_epochs": 1, "hidden": 16, "batch_size": 8, "sigma_um": 60.0}


class Rare(FakeRun):
    """Checkpoints now and then, for each takes longer than a step."""

    def checkpoint_due(self) -> bool:
        return len(self.steps_seen) % 25 == 24


class Told(nn.Module):
    """Gives what it was told, whatever it is shown."""

    def __init__(self, values: np.ndarray) -> None:
        super().__init__()
        self.values = torch.from_numpy(values)

    def forward(self, cells: object) -> torch.Tensor:
        return self.values


@pytest.fixture(scope="module")
def truth() -> Truth:
    return simulate(n_tissue=150, n_reference=80)


def _watch(problem: Problem, config: ScxmConfig) -> Watch:
    return Watch(problem, build_encoder(config, problem.reference.shape[1], problem.contexts.shape[1]), 0, "cpu")


def test_it_measures_the_correlation_with_the_training_tissues_own_contexts(truth: Truth) -> None:
    config = ScxmConfig(**SMALL)
    problem = build_problem(truth.pair(), config, 0)
    watch = _watch(problem, config)
    noisy = watch._truth + np.random.default_rng(0).normal(0, 0.1, watch._truth.shape).astype(np.float32)
    assert watch.look(Told(watch._truth)) == pytest.approx(1.0, abs=1e-5)
    assert watch.look(Told(noisy)) == pytest.approx(median_pcc(watch._truth, noisy), abs=1e-5)
    assert watch.look(Told(np.full_like(noisy, 0.25))) == 0.0
    assert len(watch._truth) == min(CELLS, len(problem.contexts))
    assert {tuple(row) for row in watch._truth} <= {tuple(row) for row in problem.contexts}
    assert watch.better(3, Told(noisy))
    assert not watch.better(4, Told(noisy))
    assert (watch.epoch, watch.agreement) == (3, pytest.approx(watch.look(Told(noisy))))


def test_a_backbones_states_stay_beside_their_own_cell(truth: Truth) -> None:
    """They are sorted by length: the encoder that reads each cell anew must agree with the cached one."""
    source = tiny_source()
    config = ScxmConfig(**SMALL, encoder="geneformer-v2-104m")
    problem = build_problem(truth.pair(), config, 0, source.vocabulary)
    assert problem.tissue is not None
    for blocks in (0, 1):
        encoder = build_encoder(config, 60, 40, source, blocks)
        watch = Watch(problem, encoder, 0, "cpu")
        with torch.no_grad():
            anew = encoder(torch.from_numpy(problem.read(problem.tissue))).numpy()
        place = {tuple(row): number for number, row in enumerate(problem.contexts)}
        rows = [place[tuple(row)] for row in watch._truth]
        assert watch.look(encoder) == pytest.approx(median_pcc(watch._truth, anew[rows]), abs=1e-3)


def test_training_stops_when_nothing_becomes_better_and_keeps_the_best(
    truth: Truth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agreements = iter([0.1, 0.3, 0.2, 0.25, 0.29, 0.9])
    monkeypatch.setattr(Watch, "look", lambda self, encoder: next(agreements))
    monkeypatch.setattr(train, "REPORT_S", 0.0)
    kept: list[dict[str, torch.Tensor]] = []
    better = Watch.better

    def remember(self: Watch, epoch: int, encoder: nn.Module) -> bool:
        kept.append({name: value.clone() for name, value in encoder.state_dict().items()})
        return better(self, epoch, encoder)

    monkeypatch.setattr(Watch, "better", remember)
    run = Rare(tmp_path)
    fitted = METHOD.fit(truth.pair(), ScxmConfig(**SMALL, epochs=50, patience=3), run)
    assert len(kept) == 5  # the best was the second, then three no better
    assert fitted.stopped_at is None  # it is done, not broken off
    assert all(torch.equal(value, kept[1][name]) for name, value in fitted.encoder.state_dict().items())
    assert run.steps_seen[-2:] == [50 + 4 * 50 + 49, 50 + 50 * 50]  # at once at the end


def test_a_killed_training_remembers_the_best(truth: Truth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "REPORT_S", 0.0)
    config = ScxmConfig(**SMALL, epochs=3, patience=1)
    METHOD.fit(truth.pair(), config, Rare(tmp_path / "whole")).save(tmp_path / "a")
    with pytest.raises(KeyboardInterrupt):
        METHOD.fit(truth.pair(), config, Rare(tmp_path / "killed", kill_at=120))
    METHOD.fit(truth.pair(), config, Rare(tmp_path / "killed")).save(tmp_path / "b")
    assert (tmp_path / "a/weights.safetensors").read_bytes() == (tmp_path / "b/weights.safetensors").read_bytes()


def test_watching_alone_changes_no_step(truth: Truth) -> None:
    """With a patience that is never exhausted, the networks that learn are those of a training without one."""
    trained = []
    for patience in (None, 1000):
        config = ScxmConfig(**SMALL, epochs=1, patience=patience)
        with repeatable(0, 1):
            training = Training(build_problem(truth.pair(), config, 0), config, 0, "cpu")
            for step in range(training.steps):
                training.step(step)
        assert bool(training.watch) == (patience is not None)
        trained.append(training.average.state_dict())
    assert all(torch.equal(trained[0][name], value) for name, value in trained[1].items())


def test_a_tissue_that_lacks_input_genes_cannot_be_watched(truth: Truth, tmp_path: Path) -> None:
    tissue = truth.tissue
    panel_only = Cells(csr_matrix(tissue.expression[:, :40]), truth.panel, "counts", tissue.coordinates, tissue.section)
    data = replace(truth.pair(), tissue=panel_only)
    config = ScxmConfig(**SMALL, epochs=1, patience=1)
    padded = tissue.expression.tolil()
    padded[:, 40:] = 0  # as a pair is read where only the validation tissue measured them
    zeros = replace(tissue, expression=csr_matrix(padded))
    for lacking in (data, replace(data, tissue=zeros)):
        assert build_problem(lacking, config, 0).tissue is None
    assert np.isfinite(
        METHOD.fit(data, config, FakeRun(tmp_path)).predict(truth.reference, FakeRun(tmp_path)).values
    ).all()
