from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from backend.methods.scxm.config import ScxmConfig
from backend.methods.scxm.method import METHOD, ScxmFitted
from backend.methods.scxm.train import Training
from backend.methods.scxm.verdict import readings, verdict
from tests.methods.scxm.simulated import FakeRun, simulate

GOOD = {"critic": 2.0, "consistency": 0.17, "spread": 0.7, "shift": 0.1, "follow": 0.6}
SHORT = {"epochs": 7, "decoder_epochs": 4, "hidden": 32, "batch_size": 32, "sigma_um": 40.0}
FAST = SHORT | {"encoder_lr": 3e-3, "critic_lr": 1e-3}


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, "healthy"),
        ({"spread": 0.02}, "collapsed"),
        ({"follow": 0.01}, "ignoring the input"),
        ({"follow": 0.05}, "healthy"),  # shallow real tissue: CosMx lung, r .25
        ({"follow": -0.5}, "ignoring the input"),
        ({"spread": 0.02, "follow": 0.0}, "collapsed"),
        ({"critic": math.nan}, "diverged"),
        ({"spread": 8.0}, "diverged"),
    ],
)
def test_each_state_is_told_apart(change: dict[str, float], state: str) -> None:
    found, sentence = verdict(GOOD | change)
    assert found == state
    assert sentence.endswith(".")


def test_a_training_that_reports_nothing_finite_is_not_called_healthy() -> None:
    assert verdict({})[0] == "diverged"


@pytest.mark.parametrize(
    ("settings", "state"),
    [
        ({}, "healthy"),
        # The textbook collapse: the encoder runs to whatever a critic far slower than it likes best.
        ({"lambda_cons": 0.0, "critic_lr": 1e-5, "encoder_lr": 1e-2}, "collapsed"),
        # Nothing pulls at all: what was the mean at the start stays it.
        ({"lambda_cons": 0.0, "lambda_adv": 0.0}, "collapsed"),
        # The critic alone makes predictions that look real, and are not their cells'.
        ({"lambda_cons": 0.0}, "ignoring the input"),
    ],
)
def test_real_trainings_are_judged_rightly(settings: dict[str, Any], state: str, tmp_path: Any) -> None:
    truth = simulate(n_tissue=300, n_reference=150)
    run = FakeRun(tmp_path, seed=1)
    fitted = METHOD.fit(truth.pair(), ScxmConfig(**(FAST | settings)), run)
    assert isinstance(fitted, ScxmFitted)
    assert fitted.verdict[0] == state
    shown = {reading.name: reading.good for reading in readings(fitted.metrics)}
    assert shown["Spread"] == (state != "collapsed")
    assert shown["Follows its cell"] == (state == "healthy")
    assert verdict(run.metrics)[0] == state  # as it was told while it ran


def test_knowing_only_how_deep_a_cell_is_does_not_count_as_following_it() -> None:
    torch.manual_seed(0)
    depth, genes = torch.rand(400, 1) * 0.6 + 0.1, torch.randn(1, 30)
    cell = torch.randn(400, 30)
    own = (torch.rand(400, 30) < torch.sigmoid(torch.logit(depth) + genes + 2 * cell)).float()
    judge = SimpleNamespace(decoder=lambda z: z)
    by_depth, by_cell = torch.logit(depth) + genes, torch.logit(depth) + genes + 2 * cell
    assert abs(Training._explains(judge, by_depth, own)) < 0.02  # type: ignore[arg-type]
    assert Training._explains(judge, by_cell, own) > 0.5  # type: ignore[arg-type]


def test_readings_are_said_in_words_and_judged() -> None:
    found = readings(GOOD)
    assert [reading.name for reading in found] == [
        "Spread",
        "Follows its cell",
        "Error of the mean",
        "Critic’s distance",
    ]
    assert [reading.value for reading in found] == ["70% of real", "60% of real", "0.10 s.d.", "2.00"]
    assert [reading.good for reading in found] == [True, True, True, None]
    assert readings({"decoder": 0.4}) == ()
