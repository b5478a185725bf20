from __future__ import annotations

import pandas as pd
import pytest

from backend.figures.imputed.next_panel import expected_gain, proposed
from backend.figures.style import describe

TESTS = pd.DataFrame(
    {"half": [0, 0, 0, 0, 1, 1], "choice": ["rule", "rule", "random", "random", "rule", "random"],
     "draw": [0, 0, 0, 1, 0, 0], "gene": ["A", "B", "A", "A", "A", "A"], "gain": [0.02, 0.04, 0.0, 0.02, 0.01, 0.01]}
)  # fmt: skip


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_each_half_and_draw_is_a_dot_and_the_bar_their_mean(theme: str) -> None:
    figure = expected_gain(TESTS, "Worth", theme)
    bars = {trace.y[0]: trace.x[0] for trace in figure.data if trace.type == "bar"}
    assert bars == pytest.approx({"random genes": 0.01, "this rule": 0.02})
    dots = {trace.y[0]: len(trace.x) for trace in figure.data if trace.type == "box"}
    assert dots == {"random genes": 3, "this rule": 2}
    assert "this rule +0.0200; random genes +0.0100" in describe(figure)


def test_the_first_gene_stands_on_top() -> None:
    genes = pd.DataFrame({"rank": [1, 2], "gene": ["A<", "B"], "gain": [2.0, 1.0], "cumulative": [2.0, 3.0]})
    figure = proposed(genes, "Next")
    assert list(figure.data[0].y) == ["B", "A&lt;"]
