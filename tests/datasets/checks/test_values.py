"""Which matrix, which scale, and what cannot be used."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from backend.datasets.checks.values import judge
from tests.datasets.raws import codes, counts, finding, look, make_raw


def normalised() -> np.ndarray:
    values = counts(n_genes=30)
    return values / values.sum(axis=1, keepdims=True) * 1e4


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (counts(), "counts"),
        (np.log1p(normalised()), "log"),
        (np.log1p(normalised())[:, :20], "log"),
        (normalised(), "normalised"),
        (normalised() / 1e4, "normalised"),
        ((counts() - counts().mean(axis=0)) / counts().std(axis=0), "scaled"),
        (counts() / counts().std(axis=0), "scaled"),
        (counts() - 1.0, "negative"),
        (np.where(counts() > 5, np.nan, counts()), "broken"),
        (np.where(counts() > 5, np.inf, counts()), "broken"),
    ],
)
def test_a_matrix_is_judged_by_its_numbers(values: np.ndarray, kind: str) -> None:
    assert judge(csr_matrix(values)).kind == kind


def test_complex_numbers_are_no_expression() -> None:
    assert "not-numeric" in codes(look(make_raw(counts().astype(complex))), "refused")


@pytest.mark.parametrize(("bad", "code"), [(np.nan, "nan"), (np.inf, "nan"), (-2.0, "negative")])
def test_one_bad_entry_is_enough(bad: float, code: str) -> None:
    values = counts()
    values[3, 4] = bad
    diagnosis = look(make_raw(values))
    assert codes(diagnosis, "refused") == {code}
    assert diagnosis.ready is None


def test_counts_are_preferred_and_the_choice_is_shown() -> None:
    diagnosis = look(make_raw({"X": np.log1p(normalised()), "raw": counts(), "layers/scaled": counts() - 1.0}))
    asked = finding(diagnosis, "counts-from")
    assert (asked.guess, asked.flag, asked.field) == ("raw", "--counts-from", "counts_from")
    assert set(asked.options) == {"X", "raw", "layers/scaled"}
    assert diagnosis.ready is not None
    assert diagnosis.ready.counts_from == "raw"
    assert diagnosis.ready.scale == "counts"


def test_spliced_counts_are_only_a_part() -> None:
    diagnosis = look(make_raw({"X": np.log1p(normalised()), "layers/spliced": counts()}))
    assert finding(diagnosis, "counts-from").guess == "X"


def test_the_users_word_is_law() -> None:
    diagnosis = look(make_raw({"X": counts(), "layers/log": np.log1p(normalised())}), counts_from="layers/log")
    assert diagnosis.ready is not None
    assert diagnosis.ready.scale == "log"
    assert "log" in codes(diagnosis, "mended")


def test_a_scaled_x_names_the_matrix_that_would_do() -> None:
    diagnosis = look(make_raw({"X": counts() - counts().mean(axis=0), "raw": counts()}), counts_from="X")
    assert finding(diagnosis, "scaled").mend == "Use --counts-from raw."


def test_an_unknown_matrix_is_refused_with_the_names() -> None:
    refused = look(make_raw(), counts_from="layers/none").findings[0]
    assert refused.code == "counts-from"
    assert refused.grade == "refused"
    assert "X" in refused.why
