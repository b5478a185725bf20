from __future__ import annotations

import pandas as pd
import pytest

from backend.analysis.imputation.coverage import summarise


def genes() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "n": [100, 100, 100, 0],
            "detected": [10, 40, 80, 0],
            "inside": [95, 90, 70, 0],
            "inside_detected": [9, 36, 56, 0],
            "score": [1.0, 2.0, 3.0, float("nan")],
            "score_detected": [2.0, 3.0, 4.0, float("nan")],
            "score_undetected": [0.5, 1.0, 1.5, float("nan")],
        }
    )


def test_cells_add_up_and_genes_are_drawn() -> None:
    rows = {(row["cells"], row["tercile"]): row for row in summarise(genes(), 0)}
    assert len(rows) == 12
    assert rows["all", "all"]["coverage"] == pytest.approx(255 / 300)
    assert rows["detected", "all"]["coverage"] == pytest.approx(101 / 130)
    assert rows["undetected", "all"]["coverage"] == pytest.approx(154 / 170)
    assert rows["detected", "low"]["coverage"] == pytest.approx(0.9)
    assert rows["detected", "high"]["coverage"] == pytest.approx(0.7)
    assert rows["detected", "all"]["score"] == 3
    assert rows["all", "all"]["genes"] == 3
    assert rows["all", "all"]["low"] <= 0.75
    assert rows["all", "all"]["high"] >= 0.9


def test_nothing_detected_is_none_not_nan() -> None:
    rows = summarise(genes().assign(detected=0, inside_detected=0, score_detected=float("nan")), 0)
    found = next(row for row in rows if row["cells"] == "detected" and row["tercile"] == "all")
    assert found["coverage"] is None
    assert found["score"] is None
