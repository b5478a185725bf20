from __future__ import annotations

from typing import Any

from benchmarks.context import ABLATIONS, SIMPLE, TISSUES, table


def run(value: float) -> dict[str, Any]:
    return {"median_pcc": value, "shift": {"median_pcc": value / 2}}


def test_a_line_holds_mean_spread_and_share_of_the_best_simple_method() -> None:
    results = {"ridge": [run(0.3), run(0.5)], "scxm": [run(0.2), run(0.2)], "magic": [{"error": {}}]}
    ridge, scxm, magic = table(results)
    assert ridge.split() == ["ridge", "0.400", "±", "0.100", "1.00", "0.300", "0.500"]
    assert scxm.split()[1:5] == ["0.200", "±", "0.000", "0.50"]
    assert magic.split() == ["magic", "failed"]
    assert table(results, "shift/median_pcc")[1].split()[1] == "0.100"


def test_what_is_compared_is_there() -> None:
    from backend.evaluation.context.learners import names

    assert set(SIMPLE) | {method for method, _ in ABLATIONS.values()} <= set(names())
    assert [place.sigma_um for place in TISSUES.values()] == [30.0, 50.0, 100.0]
