from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from backend.figures.context.explained import AXES, score_against


def genes() -> pd.DataFrame:
    order = np.linspace(0.1, 0.9, 9)
    return pd.DataFrame({
        "gene": [f"G{i}" for i in range(9)], "pcc": [*order[:8], np.nan],
        "detection": order, "context_sd": order[::-1], "moran": order**2,
    })  # fmt: skip


@pytest.mark.parametrize(("by", "rank"), [("detection", "1.00"), ("context_sd", "-1.00"), ("moran", "1.00")])
def test_what_goes_with_the_score_is_said(by: str, rank: str) -> None:
    figure = score_against(genes(), by, "Score")
    assert figure.layout.xaxis.title.text == f"{AXES[by]}<br>rank correlation with the score {rank}"
    assert len(figure.data[0].x) == 8  # a gene without a score has no dot
    factor = 100 if by == "detection" else 1
    np.testing.assert_allclose(figure.data[0].x, factor * genes()[by][:8], rtol=1e-6)
