from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from backend.figures.imputed.quality import (
    Pair,
    coverage,
    gallery,
    predicted_against_held_out,
    score_against_detection,
    scores_by_level,
)
from backend.figures.points import Places
from backend.figures.style import describe

RNG = np.random.default_rng(0)
PLACES = Places(RNG.uniform(0, 100, 80), RNG.uniform(0, 100, 80), np.repeat(["1", "2"], 40))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_gallery_shows_measured_beside_imputed_in_a_dashed_frame(theme: str) -> None:
    one = RNG.random(80)
    pairs = [Pair(f"G{i}", group, 0.5, one, 10 * one) for group in ("Best", "Worst") for i in range(3)]
    pairs[0] = Pair("<i>G</i>", "Best", 0.9, np.where(one > 0.5, one, np.nan), one)
    figure = gallery(PLACES, pairs, "Gallery", theme)
    pictures = [trace for trace in figure.data if trace.type == "heatmap"]
    assert len(pictures) == 12
    same = np.nan_to_num(pictures[2].z), np.nan_to_num(pictures[3].z)
    assert np.allclose(*same, atol=1e-5), "each has its own range, so equal places look equal"
    frames = [shape for shape in figure.layout.shapes if shape.name == "predicted"]
    assert len(frames) == 6
    assert len([shape for shape in figure.layout.shapes if shape.name == "scale bar"]) == 1
    texts = [note.text for note in figure.layout.annotations]
    assert "<b>&lt;i&gt;G&lt;/i&gt;</b>  r 0.90" in texts
    assert "6 genes" in describe(figure)


def test_score_against_detection_leaves_out_what_was_never_seen() -> None:
    genes = pd.DataFrame(
        {"gene": list("ABCD"), "detection_tissue": [0.1, 0.01, 0.0, 0.5], "score": [0.4, 0.1, 0.2, np.nan],
         "verdict": ["figure", "no", "no", "no"]}
    )  # fmt: skip
    figure = score_against_detection(genes, "Score")
    shown = {gene: (x, y) for trace in figure.data for gene, x, y in zip(trace.text, trace.x, trace.y)}
    assert set(shown) == {"A", "B"}
    assert shown["A"] == pytest.approx((10.0, 0.4))
    assert figure.data[0].name == "Figure (1)"


def test_coverage_has_its_interval_and_the_nominal_line() -> None:
    table = pd.DataFrame(
        {"name": ["all", "detected"], "coverage": [0.91, 0.8], "low": [0.88, 0.7], "high": [0.93, 0.9]}
    )
    figure = coverage(table, "Coverage")
    dots = figure.data[0]
    assert list(dots.y) == ["detected", "all"]
    assert dots.error_x.arrayminus[1] == pytest.approx(3.0)
    assert figure.layout.shapes[0].x0 == pytest.approx(90)
    assert "detected 80%" in describe(figure)


def test_a_predicted_score_lies_within_its_interval_or_not() -> None:
    table = pd.DataFrame(
        {"gene": ["A", "B", "C"], "predicted": [0.2, 0.3, 0.4], "low": [0.1, 0.2, 0.3], "high": [0.3, 0.4, 0.5],
         "score": [0.25, 0.9, 0.35]}
    )  # fmt: skip
    figure = predicted_against_held_out(table, "Foretold")
    assert [trace.name for trace in figure.data[:2]] == ["within its interval (2)", "outside (1)"]
    assert "67% lie within" in describe(figure)


def test_levels_stand_in_their_order_with_their_medians() -> None:
    table = pd.DataFrame({"level": ["cell", "cell", "bin"], "pcc": [0.1, 0.3, 0.5]})
    figure = scores_by_level(table, {"cell": "single cells", "bin": "bins", "niche": "niches"}, "Levels")
    assert [box.y[0] for box in figure.data] == ["bins  0.50", "single cells  0.20"]
    assert describe(figure).endswith("single cells 0.20; bins 0.50.")
