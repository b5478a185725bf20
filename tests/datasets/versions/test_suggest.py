"""Cut-offs: 3 MADs on a log scale, and words that say so."""

from __future__ import annotations

import numpy as np
import pytest

from backend.datasets.versions.measures import KNOWN, Measure, amount
from backend.datasets.versions.suggest import suggest, suggest_cut
from tests.datasets.versions.small import tissue

COUNTS, AREA, CONTROLS = (
    next(one for one in KNOWN if one.name == name) for name in ("counts", "area_um2", "control_share")
)


def cut(measure: Measure, values: np.ndarray):
    return suggest_cut(measure, values.astype(np.float32))


def test_outliers_of_a_log_normal_are_found() -> None:
    rng = np.random.default_rng(0)
    good = np.rint(np.exp(rng.normal(5.0, 0.3, 5000)))
    found = cut(COUNTS, np.concatenate([good, [1, 2, 5, 4000]]))
    assert found.least == pytest.approx(np.exp(5 - 0.9), rel=0.06)
    assert found.most == pytest.approx(np.exp(5 + 0.9), rel=0.06)
    assert found.drops == int((good < found.least).sum() + (good > found.most).sum()) + 4
    assert "3 MADs below and above the median of 1" in found.reason
    assert "on a log scale" in found.reason


def test_an_end_beyond_which_nothing_lies_is_not_suggested() -> None:
    values = np.exp(np.random.default_rng(0).uniform(4.5, 5.5, 999))
    found = cut(COUNTS, np.append(values, 2.0))
    assert (found.most, found.drops) == (None, 1)
    assert found.least is not None
    assert cut(COUNTS, values).cut is None


def test_no_cell_with_a_count_is_below_one() -> None:
    found = cut(COUNTS, np.random.default_rng(0).choice([1, 2, 4, 8, 30], 500))
    assert found.least is None
    assert found.drops == 0


def test_controls_are_cut_above_only() -> None:
    share = np.random.default_rng(0).normal(0.02, 0.003, 2000)
    found = cut(CONTROLS, np.append(share, [0.0, 0.2]))
    assert found.least is None
    assert found.most == pytest.approx(0.029, abs=0.0015)
    assert found.cut.model_dump() == {"measure": "control_share", "least": None, "most": found.most}


def test_where_most_have_no_controls_those_that_have_some_are_judged() -> None:
    share = np.zeros(1000)
    share[:200] = np.random.default_rng(0).normal(0.03, 0.004, 200)
    share[0] = 0.4
    found = cut(CONTROLS, share)
    assert found.most == pytest.approx(0.042, abs=0.004)
    assert "of the cells that have any" in found.reason


def test_what_would_drop_much_is_said() -> None:
    values = np.concatenate([np.full(60, 100.0) + np.arange(60) / 100, np.full(40, 5.0)])
    found = cut(AREA, values)
    assert found.drops == 40
    assert "It would drop 40% of the cells" in found.reason


def test_cells_without_a_value_do_not_count() -> None:
    values = np.append(np.exp(np.random.default_rng(0).normal(4, 0.2, 300)), [np.nan] * 50)
    assert cut(AREA, values).drops == cut(AREA, values[:300]).drops


def test_every_measure_of_a_data_set_has_an_entry() -> None:
    assert [one.measure for one in suggest(tissue())] == ["counts", "genes", "area_um2"]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("control_share", 0.0525, "5.25 %"),
        ("counts", 1200, "1,200"),
        ("area_um2", 48.54, "48.5 µm²"),
        ("other", 3, "3"),
    ],
)
def test_amounts_in_words(name: str, value: float, told: str) -> None:
    assert amount(name, value) == told
