from __future__ import annotations

from typing import Any

import pytest

from backend.analysis.match_verdict import compare, judge


def facts(**changes: Any) -> dict[str, Any]:
    base = {
        "panel": 960, "shared": 900, "counterpart": 0.93, "r_genes": 0.6, "grouped": False, "types": 12, "seed": 0,
        "no_counterpart": [{"type": "plasma"}], "species": ["human", "human"], "organs": {}, "doubtful": [],
        "tissue_sample": 2000, "tissue_cells": 2000, "atlas_sample": 3000, "atlas_cells": 3000,
    }  # fmt: skip
    return {**base, **changes}


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "fits"),
        ({"counterpart": 0.7}, "fits in part"),
        ({"shared": 400}, "fits in part"),
        ({"organs": {"tissue": ["lung"], "atlas": ["brain"]}}, "fits in part"),
        ({"counterpart": 0.4}, "does not fit"),
        ({"r_genes": 0.1}, "does not fit"),
    ],
)
def test_the_verdict(changes: dict[str, Any], verdict: str) -> None:
    assert judge(facts(**changes))["verdict"] == verdict


def test_reasons_carry_their_numbers() -> None:
    said = " ".join(judge(facts())["reasons"])
    assert "900 of the 960 panel genes" in said
    assert "1 of the tissue's 12 cell types has no counterpart in it; 7% of the cells have none" in said
    assert "All 12 cell types" in " ".join(judge(facts(no_counterpart=[]))["reasons"])
    assert "2 more are like one of its types" in " ".join(judge(facts(doubtful=["a", "b"]))["reasons"])
    assert "groups of similar cells" in " ".join(judge(facts(grouped=True))["reasons"])


def test_an_atlas_that_fits_has_no_warning() -> None:
    assert judge(facts())["warnings"] == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"species": ["mouse", "human"]}, "The tissue is mouse, the atlas human"),
        ({"counterpart": 0.2}, "another organ or species, or like an atlas of few of its types: only 20% of"),
        ({"r_genes": 0.05}, "mean expression agrees with r = 0.05 only (below 0.3)"),
        ({"counterpart": 0.7}, "Only 70% of the tissue's cells find a counterpart"),
        ({"organs": {"tissue": ["brain"], "atlas": ["lung"]}}, "the tissue says brain, the atlas lung"),
        ({"shared": 24}, "With 24 shared genes"),
        ({"tissue_cells": 100_000, "tissue_sample": 20_000}, "20,000 of the tissue's 100,000 cells"),
    ],
)
def test_what_could_be_wrong_is_said(changes: dict[str, Any], said: str) -> None:
    assert any(said in warning for warning in judge(facts(**changes))["warnings"])


def test_why_one_atlas_is_better() -> None:
    best = {"parts": {"panel": 0.9, "expression": 0.5, "cells": 0.8, "names": 0.5, "types": 0.7}}
    other = {"parts": {"panel": 0.9, "expression": 0.65, "cells": 0.6, "names": 0.5, "types": 0.7}}
    said = compare(best, other)
    assert said.startswith("share of cells with a counterpart: 0.80 against 0.60")
    assert said.endswith("the other is ahead in agreement of mean expression: 0.65 to 0.50")
    assert "the other" not in compare(best, {"parts": {**best["parts"], "panel": 0.5}})
