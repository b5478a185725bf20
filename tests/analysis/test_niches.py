from __future__ import annotations

import numpy as np
import pytest

from backend.analysis.niches import CHOSEN, otsu, split_cells
from backend.errors import UserError


def two_humps() -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(0.2, 0.03, 60), rng.normal(0.6, 0.03, 40)]).astype(np.float32)


def test_otsu_falls_between_two_humps_and_ignores_the_unknown() -> None:
    values = np.append(two_humps(), np.nan)
    assert 0.3 < otsu(values) < 0.5


@pytest.mark.parametrize("values", [np.full(50, 0.3), np.full(50, np.nan)])
def test_values_without_spread_cannot_be_split(values: np.ndarray) -> None:
    with pytest.raises(UserError, match="cannot be split"):
        otsu(values)


def test_only_the_types_cells_that_have_a_prediction_are_split() -> None:
    context = np.append(two_humps(), [0.9, np.nan])
    of_type = np.ones(102, dtype=bool)
    of_type[100] = False
    split = split_cells(context, of_type, None)
    assert split.rows.tolist() == list(range(100))
    assert split.clustered.sum() == 40
    assert split.how.startswith("Otsu")


def test_a_chosen_threshold_is_kept_and_said() -> None:
    split = split_cells(two_humps(), np.ones(100, dtype=bool), 0.2)
    assert (split.threshold, split.how) == (0.2, CHOSEN)
    assert split.clustered.sum() == (two_humps() >= 0.2).sum()


def test_too_few_cells_are_refused_with_a_mend() -> None:
    with pytest.raises(UserError, match="Only 19 T cells have a prediction") as few:
        split_cells(two_humps()[:19], np.ones(19, dtype=bool), None, "T cells")
    assert "common" in few.value.mend
    with pytest.raises(UserError, match=r"Only 0 of 100 cells lie at or above 0\.95") as lopsided:
        split_cells(two_humps(), np.ones(100, dtype=bool), 0.95)
    assert "between" in lopsided.value.mend
