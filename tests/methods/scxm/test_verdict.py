from __future__ import annotations

import math

import pytest

from backend.methods.scxm.verdict import verdict

GOOD = {"critic": 2.0, "consistency": 0.17, "spread": 0.7, "match": 0.2}


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, "healthy"),
        ({"spread": 0.02}, "collapsed"),
        ({"match": 0.0}, "ignoring the input"),
        ({"critic": math.nan}, "diverged"),
        ({"spread": 8.0}, "diverged"),
    ],
)
def test_each_state_is_told_apart(change: dict[str, float], state: str) -> None:
    found, sentence = verdict(GOOD | change)
    assert found == state
    assert sentence.endswith(".")
