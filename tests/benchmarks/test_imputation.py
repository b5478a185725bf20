"""What the benchmark of imputation runs and leaves out, and the published methods that it brings along."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import torch

from backend.evaluation.genes.bench.evaluate import ALIASES, imputers
from backend.methods.imputation import log_tissue
from benchmarks import imputation, imputation_speed
from benchmarks.published import scored, stdiff, stplus
from benchmarks.published.__main__ import METHODS
from tests.methods.genes.small_pair import TARGETS, mean_correlation, view


def found(pcc: list[float]) -> dict[str, object]:
    genes = [{"gene": f"G{i}", "fold": 0, "pcc": value, "pcc_depth_partial": value / 2} for i, value in enumerate(pcc)]
    return {"genes": genes}


def test_all_that_is_offered_runs_once_and_what_cannot_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tangram" else object())
    methods, said = imputation.choose((), imputation.PAIRS["cosmx-maynard"])
    offered = {name for name, card in imputers().items() if "unmeasured-gene" in card.tracks}
    twice = {real for alias, real in ALIASES.items() if alias in offered}
    assert set(methods) == offered - twice - {"tangram", "gimvi"}
    assert len(said) == 2
    assert "requirements-extra.txt" in said[0]
    assert "Maynard3k has none" in said[1]
    assert "gimvi" in imputation.choose((), imputation.PAIRS["cosmx-tabula"])[0]


def test_unknown_names_are_refused() -> None:
    with pytest.raises(SystemExit, match="no method magic"):
        imputation.choose(("knn", "magic"), imputation.PAIRS["cosmx-tabula"])
    assert imputation.choose(("stplus", "knn"), imputation.PAIRS["cosmx-maynard"])[0] == ["stplus", "knn"]
    assert set(scored.PUBLISHED) == set(METHODS)


def test_every_two_methods_are_compared_on_both_scores() -> None:
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 0.3, 40)
    rows = imputation.compared({
        "a": found(list(low)),
        "b": found(list(low + rng.uniform(0.05, 0.1, 40))),
        "broken": {"genes": []},
        "c": found(list(low)),
    })  # fmt: skip
    told = {(row["score"], row["method"], row["other"]): row["better"] for row in rows}
    assert len(told) == 6
    for score in ("pcc", "pcc_depth_partial"):
        assert told[score, "a", "b"] == told[score, "b", "c"] == "b"
        assert told[score, "a", "c"] == "neither"


def test_speed_shows_ours_beside_the_others() -> None:
    assert {"best", "tangram", "gimvi"} <= set(imputation_speed.METHODS)
    row = imputation_speed.row("knn", {"title": "Nearest cells", "seconds": 2.5, "peak_mb": 300, "pcc_mean": 0.1}, 60)
    assert (row.value, row.note) == (2.5, "peak 0.30 GB, mean r 0.100")
    assert np.isnan(imputation_speed.row("x", {"title": "X", "error": {"what": "It broke."}}, 60).value)


def test_stplus_loss_by_hand() -> None:
    here, there = torch.tensor([[1.0, 0.0]]), torch.tensor([[5.0, 2.0], [5.0, 0.0]])
    told_here, told_there = torch.tensor([[3.0, 9.0]]), torch.tensor([[0.0, 1.0], [0.0, 3.0]])
    # The tissue's shared gene: 4. The reference's other: values (2-1)^2 = 1, zeros 3^2 = 9, of which dq = 1/2 counts.
    assert stplus.loss_of(told_here, told_there, here, there, 1).item() == pytest.approx(4 + 1 + 0.5 * 9)


def test_stplus_learns_what_types_express() -> None:
    seen, truth = view()
    imputed = stplus.impute(seen, 0, epochs=8)
    assert imputed.genes == TARGETS
    assert mean_correlation(truth, imputed.values) > 0.6


def test_stdiff_learns_what_types_express(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, small in (("NARROW", 32), ("DEPTH", 1), ("HEADS", 4), ("SAMPLED", 10), ("RATE", 3e-3)):
        monkeypatch.setattr(stdiff, name, small)
    seen, truth = view()
    imputed = stdiff.impute(seen, 0, epochs=250)
    assert imputed.values.min() >= 0
    assert imputed.values.max() <= 1
    assert mean_correlation(truth, imputed.values) > 0.3
    again = [stdiff.impute(seen, 0, epochs=3).values for _ in range(2)]
    np.testing.assert_array_equal(*again)


def test_stdiff_brings_cells_to_one_range() -> None:
    seen, _ = view()
    signed = stdiff._signed(np.expm1(log_tissue(seen.tissue)))
    np.testing.assert_allclose(signed.max(axis=1), 1)
    assert signed.min() == -1
    clean, noise = torch.ones(1, 3), torch.zeros(1, 3)
    path = stdiff.Cosine.of(100)
    assert path.noisy(clean, noise, torch.tensor([0])).min() > 0.99
    assert path.noisy(clean, noise, torch.tensor([99])).max() < 0.01
