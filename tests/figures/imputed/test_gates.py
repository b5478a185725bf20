from __future__ import annotations

import numpy as np
import pytest

from backend.figures.imputed.gates import map_gate, share_bars, shares_by_type
from backend.figures.palette import GREY
from backend.figures.points import Places
from backend.figures.style import describe

PASSED = np.array([True] * 8 + [False] * 2 + [True] * 2 + [False] * 8)
TYPES = np.array(["T cell"] * 10 + ["B cell"] * 10)


def test_shares_are_of_each_type_with_wilsons_interval() -> None:
    table = shares_by_type(PASSED, TYPES).set_index("type")
    assert list(table.index) == ["T cell", "B cell"]
    assert table.loc["T cell", "share"] == pytest.approx(0.8)
    assert table.loc["B cell", ["low", "high"]].tolist() == pytest.approx([0.0567, 0.5098], abs=1e-3)


def test_the_bars_carry_the_types_colours_and_numbers() -> None:
    figure = share_bars(shares_by_type(PASSED, TYPES), {"T cell": "#0072B2"}, "Who passes")
    assert list(figure.data[0].y) == ["B cell  (10)", "T cell  (10)"]
    assert list(figure.data[0].x) == pytest.approx([20, 80])
    assert list(figure.data[0].marker.color) == [GREY, "#0072B2"]
    assert "T cell 80.0% of 10" in describe(figure)


def test_a_gate_colours_those_that_pass() -> None:
    x = np.arange(20.0)
    figure = map_gate(Places(x, x), PASSED, "CD8A+ and CXCL13+", "Gate")
    through = [trace for trace in figure.data if trace.name == "CD8A+ and CXCL13+"]
    assert sorted(np.concatenate([trace.customdata for trace in through]).tolist()) == np.flatnonzero(PASSED).tolist()
    assert any(shape.name == "predicted" for shape in figure.layout.shapes)
