"""Cells whose true places are known, hidden and put back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.analysis.put_back.evidence import Tissue
from backend.analysis.put_back.told import calibrate, summarise, warnings
from backend.analysis.put_back.trial import (
    LEVELS,
    RANDOM,
    TYPE_ONLY,
    USED,
    Trial,
    conformal,
    hide,
    run_trial,
)
from backend.errors import UserError
from tests.analysis.put_back.graded import N, make_tissue


@pytest.fixture(scope="module")
def tissue() -> Tissue:
    return make_tissue()


@pytest.fixture(scope="module")
def trial(tissue: Tissue) -> Trial:
    return run_trial(tissue, seed=0)


def medians(trial: Trial, measure: str = "guess_um") -> dict[str, float]:
    return dict(trial.cells.groupby("way")[measure].median())


def test_the_error_is_at_most_60_percent_of_placement_by_type(trial: Trial, tissue: Tissue) -> None:
    facts = summarise(trial, tissue, spots=False)
    for measure in ("guess_um", "drawn_um"):
        found = medians(trial, measure)
        assert found[USED] < 0.6 * found[TYPE_ONLY] < found[RANDOM]
        assert facts["ratios"][measure]["high"] < 0.7
    assert "smaller" in facts["verdict"]


def test_the_distances_are_those_to_the_true_place(trial: Trial, tissue: Tissue) -> None:
    """Anywhere's best guess is about the middle of the square, whatever the cell."""
    rows = trial.cells[trial.cells["way"] == RANDOM]
    middle = np.linalg.norm(tissue.xy_um[rows["row"]] - tissue.xy_um.mean(axis=0), axis=1)
    assert np.corrcoef(middle, rows["guess_um"])[0, 1] > 0.99
    assert np.allclose(rows["likelihood"], 0.0, atol=1e-5)


def test_stated_regions_hold_what_they_say(trial: Trial, tissue: Tissue) -> None:
    facts = summarise(trial, tissue, spots=False)
    for row in facts["calibration"]:
        assert abs(row["held"] - row["level"]) < 0.12
    for row in facts["groups"]:
        assert abs(row["held"] - row["level"]) < 0.2


def test_nothing_is_gained_where_nothing_is_known() -> None:
    trial = run_trial(make_tissue(1, noise=0.3, gradients=False), seed=0)
    assert abs(medians(trial)[USED] / medians(trial)[RANDOM] - 1) < 0.12
    assert max(trial.choice.likelihood.values()) < 0.1


def test_the_level_of_a_half_gives_no_place_away() -> None:
    """Predictions that differ only by the fit that made them: each half has a level of its own."""
    tissue = make_tissue(2, noise=0.3, gradients=False)
    half = (tissue.xy_um[:, 0] > np.median(tissue.xy_um[:, 0])).astype(np.int32)
    noise = np.random.default_rng(3).normal(0, 0.1, tissue.predicted.shape)
    told = replace(tissue, half=half, predicted=(half[:, None] + noise).astype(np.float32))
    trial = run_trial(told, seed=0)
    assert abs(medians(trial)[USED] / medians(trial)[RANDOM] - 1) < 0.15
    assert set(trial.ground.area) == {0, 1}


def test_contexts_are_measured_without_the_hidden_cells(trial: Trial, tissue: Tissue) -> None:
    """What was measured with them is not looked at."""
    random = np.random.default_rng(4).random(tissue.measured.shape).astype(np.float32)
    again = run_trial(replace(tissue, measured=random), seed=0)
    assert again.choice == trial.choice
    assert again.cells.equals(trial.cells)
    assert not set(trial.rows) & set(trial.places)


def test_reported_cells_choose_nothing(trial: Trial, tissue: Tissue) -> None:
    reported = trial.rows[trial.n_chosen_by :]
    predicted = tissue.predicted.copy()
    predicted[reported] = np.random.default_rng(5).random((len(reported), predicted.shape[1]))
    again = run_trial(replace(tissue, predicted=predicted), seed=0)
    assert again.choice == trial.choice
    assert medians(again)[USED] > 1.2 * medians(trial)[USED]


def test_a_buffer_without_predictions_is_neither_hidden_nor_learnt_from(tissue: Tissue) -> None:
    predicted = tissue.predicted.copy()
    buffer = np.abs(tissue.xy_um[:, 0] - 300) < 40
    predicted[buffer] = np.nan
    trial = run_trial(replace(tissue, predicted=predicted), seed=0)
    assert not buffer[trial.rows].any()
    assert buffer[trial.places].any()  # a place needs no prediction
    assert np.isfinite(trial.cells["guess_um"]).all()


def test_a_model_that_predicts_the_same_for_all_is_not_heard(tissue: Tissue) -> None:
    trial = run_trial(replace(tissue, predicted=np.full_like(tissue.predicted, 0.3)), seed=0)
    assert trial.choice.likelihood["matching, context"] == pytest.approx(0, abs=0.02)
    assert medians(trial)[USED] < 0.8 * medians(trial)[RANDOM]  # expression is
    assert np.isfinite(trial.cells["guess_um"]).all()


def test_a_section_that_lost_all_its_cells_is_left_out(tissue: Tissue) -> None:
    section = tissue.section.copy()
    section[hide(tissue, np.random.default_rng(0))[:3]] = 1  # the very cells that will be hidden
    measured = tissue.measured.copy()
    trial = run_trial(replace(tissue, section=section, measured=measured), seed=0)
    assert len(trial.rows) == N // 4 - 3
    assert np.isfinite(trial.cells["guess_um"]).all()


def test_without_types_there_is_no_placement_by_type(tissue: Tissue) -> None:
    untyped = replace(tissue, types=None)
    facts = summarise(run_trial(untyped, 0), untyped, spots=True)
    assert facts["rival"] == RANDOM
    assert any("no cell types" in said for said in facts["warnings"])
    assert any("spot" in said for said in facts["warnings"])


def test_too_few_cells_are_refused_in_words() -> None:
    with pytest.raises(UserError, match="60 are needed"):
        run_trial(make_tissue(n=150), seed=0)


def test_a_quarter_is_hidden_the_same_each_time(tissue: Tissue) -> None:
    first, again = (hide(tissue, np.random.default_rng(0)) for _ in range(2))
    assert len(set(first)) == len(first) == N // 4
    assert (first == again).all()


def test_conformal_masses_hold_at_least_their_level() -> None:
    masses = np.random.default_rng(0).random(99)
    for level, limit in zip(LEVELS, conformal(masses)):
        assert level <= np.mean(masses < limit) <= level + 0.02


def test_a_region_that_holds_too_little_is_told() -> None:
    off = calibrate(np.linspace(0, 1, 400), (0.5, 0.8, 0.7))
    assert [row["held"] for row in off] == pytest.approx([0.5, 0.8, 0.7], abs=0.01)
    said = warnings({"calibration": off, "halves": False, "sections": 1, "rival": TYPE_ONLY}, spots=False)
    assert len(said) == 1
    assert "90%" in said[0]
