"""Everything at once, in one voice."""

from __future__ import annotations

import json

import numpy as np
import pytest

from backend.errors import DataError
from tests.datasets.raws import codes, counts, look, make_raw


def test_every_problem_is_told_at_once() -> None:
    values = counts()
    values[0, 0] = np.nan
    raw = make_raw(values, obs={"cell_type": ["a", "b"] * 60}, where=np.ones((120, 2)))
    diagnosis = look(raw, type_column="nothing")
    assert codes(diagnosis, "refused") == {"nan", "one-place", "type-column"}
    with pytest.raises(DataError) as caught:
        diagnosis.require()
    assert all(number in caught.value.what for number in ("3 problems", "1. ", "2. ", "3. "))
    assert "--counts-from" in caught.value.mend or "counts" in caught.value.mend


def test_one_problem_is_told_plainly() -> None:
    with pytest.raises(DataError) as caught:
        look(make_raw(where=False)).require()
    assert caught.value.what == "The file holds no coordinates of the cells."
    assert "reference" in caught.value.mend


def test_every_question_names_its_flag_and_a_guess() -> None:
    diagnosis = look(make_raw())
    asked = [finding for finding in diagnosis.findings if finding.grade == "asked"]
    assert {finding.field for finding in asked} >= {"type_column", "spots", "unit", "gene_ids", "species"}
    for finding in asked:
        assert finding.field is not None
        assert finding.flag == f"--{finding.field.replace('_', '-')}"
        assert finding.flag in finding.mend
        assert finding.guess is not None


def test_facts_are_json_and_count_what_is_kept() -> None:
    values = counts()
    values[:5] = 0
    facts = look(make_raw(values, obs={"part": ["a", "b"] * 60})).facts
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    assert (facts["cells"], facts["cells_in_file"], facts["genes"]) == (115, 120, 30)
    assert facts["matrices"][0]["kind"] == "counts"
    assert facts["columns"] == [{"name": "part", "values": 2, "examples": ["a", "b"]}]


def test_what_a_reader_noted_is_passed_on() -> None:
    assert "reading" in codes(look(make_raw(notes=["Of 2 tables, the first was read."])), "noted")


def test_what_was_refused_gives_nothing_to_write() -> None:
    diagnosis = look(make_raw(counts() - 1.0))
    assert diagnosis.ready is None
