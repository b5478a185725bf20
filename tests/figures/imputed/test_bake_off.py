from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from backend.figures.imputed.bake_off import method_against, winners
from backend.figures.style import describe

WIDE = pd.DataFrame(
    {"Quorum": [0.5, 0.3, 0.1, np.nan], "SpaGE <b>": [0.4, 0.4, 0.0, 0.2], "kNN": [0.1, 0.1, 0.2, 0.1]},
    index=["A", "B", "C", "D"],
)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_points_are_genes_and_those_above_the_line_are_counted(theme: str) -> None:
    figure = method_against(WIDE, "Quorum", ["SpaGE <b>", "kNN"], "Against", theme)
    genes = {
        (axis, gene): (x, y)
        for trace in figure.data if trace.mode == "markers"
        for axis in [trace.xaxis or "x"]
        for gene, x, y in zip(trace.text, trace.x, trace.y)
    }  # fmt: skip
    assert genes["x", "A"] == pytest.approx((0.4, 0.5))
    assert genes["x2", "C"] == pytest.approx((0.2, 0.1))
    assert ("x", "D") not in genes, "a gene that one of the two has not scored"
    assert "2 of 3 against SpaGE <b>" in describe(figure)
    assert "SpaGE &lt;b&gt;: 2 of 3 above" in [note.text for note in figure.layout.annotations]
    ranges = {tuple(axis.range) for axis in (figure.layout.xaxis, figure.layout.yaxis2)}
    assert len(ranges) == 1, "the same axes everywhere"


def test_a_gene_goes_to_the_method_of_best_score() -> None:
    figure = winners(WIDE, "Best")
    bars = dict(zip(figure.data[0].y, figure.data[0].x))
    assert bars == {"Quorum": 1, "SpaGE &lt;b&gt;": 1, "kNN": 1}
    assert "Of 3 genes" in describe(figure)
