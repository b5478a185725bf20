from __future__ import annotations

import pytest

from backend.analysis.imputation import verdict as rules
from backend.analysis.imputation.verdict import Alike, alike, inflated, judge_measured, judge_predicted, legend

GOOD = {
    "score": 0.45, "score_partial": 0.4, "score_bin": 0.7, "beyond_type": 0.2, "beyond_type_p": 0.001, "cells": 400.0,
    "moran_measured": 0.2, "moran_noised": 0.22, "coverage": 0.9,
}  # fmt: skip
TOLD = {"method": "Quorum", "tissue": "lung", "reference": "atlas", "cells": "2,198", "seed": "0", "split": "genes"}


def test_a_good_gene_is_a_figure() -> None:
    found = judge_measured(GOOD)
    assert found.verdict == "figure"
    assert "0.45" in found.reasons[0]


@pytest.mark.parametrize(
    ("changed", "verdict", "word"),
    [
        ({"score": None}, "no", "could not be scored"),
        ({"score": 0.09}, "no", "chance"),
        ({"score_partial": 0.04}, "no", "depth"),
        ({"cells": 12.0}, "no", "12 cells"),
        ({"score": 0.29, "score_bin": 0.5}, "supplement", "tendencies"),
        ({"score_partial": 0.1}, "supplement", "depth"),
        ({"beyond_type_p": 0.2}, "supplement", "type"),
        ({"beyond_type": -0.1}, "supplement", "type"),
        ({"beyond_type": None, "beyond_type_p": None}, "supplement", "type"),
        ({"moran_noised": 0.35}, "supplement", "Moran"),
        ({"coverage": 0.7}, "supplement", "70%"),
    ],
)
def test_each_rule_speaks(changed: dict[str, float | None], verdict: str, word: str) -> None:
    found = judge_measured({**GOOD, **changed})
    assert found.verdict == verdict
    assert any(word in reason for reason in found.reasons)


def test_bins_make_up_for_single_cells() -> None:
    assert judge_measured({**GOOD, "score": 0.25, "score_bin": 0.65}).verdict == "figure"


def test_inflation_needs_both_numbers() -> None:
    assert inflated({"moran_measured": 0.1, "moran_noised": 0.3})
    assert not inflated({"moran_measured": 0.1, "moran_noised": None})


PREDICTED = {"predicted_score": 0.4, "predicted_low": 0.3, "predicted_high": 0.5}


@pytest.mark.parametrize(
    ("like", "verdict"),
    [
        (Alike(30, 24, 6), "figure"),
        (Alike(30, 23, 7), "supplement"),
        (Alike(30, 0, 24), "supplement"),
        (Alike(30, 10, 13), "no"),
        (None, "no"),
    ],
)
def test_a_gene_off_the_panel_is_trusted_as_measured_genes_like_it(like: Alike | None, verdict: str) -> None:
    assert judge_predicted(PREDICTED, like, 0.5).verdict == verdict


@pytest.mark.parametrize("spearman", [None, 0.2])
def test_where_predicted_scores_do_not_rank_nothing_off_the_panel_is_shown(spearman: float | None) -> None:
    found = judge_predicted(PREDICTED, Alike(30, 30, 0), spearman)
    assert found.verdict == "no"
    assert "not tested" in found.reasons[0]


def test_the_measured_genes_nearest_in_predicted_score_are_asked() -> None:
    scores = [i / 100 for i in range(100)]
    verdicts = ["figure" if score > 0.5 else "no" for score in scores]
    assert alike(scores, verdicts, 0.9) == Alike(30, 30, 0)
    assert alike(scores, verdicts, 0.1) == Alike(30, 0, 0)
    assert alike(scores[: rules.ALIKE - 1], verdicts[: rules.ALIKE - 1], 0.9) is None


def test_legends_say_how_it_was_scored_and_that_a_prediction_was_not_tested() -> None:
    measured = legend("EPCAM", True, "figure", GOOD, TOLD)
    assert "r = 0.45 per cell" in measured
    assert "from the other genes alone" in measured
    assert "2,198 cells of lung" in measured
    regions = legend("EPCAM", True, "figure", GOOD, {**TOLD, "split": "blocks"})
    assert "regions that were not trained on" in regions
    off = legend("CXCL13", False, "supplement", PREDICTED, TOLD)
    assert "was not measured in lung" in off
    assert "not tested" in off
    assert "not for print" in legend("X", True, "no", GOOD, TOLD)
