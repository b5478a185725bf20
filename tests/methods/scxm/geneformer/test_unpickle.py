"""Pickles are read, never run."""

from __future__ import annotations

import os
import pickle  # noqa: TID251  (to write the files)
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.errors import DataError
from backend.methods.scxm.geneformer.unpickle import read_dictionary
from tests.methods.scxm.geneformer.published import dictionaries


def written(folder: Path, value: Any, protocol: int = 4) -> Path:
    path = folder / "dictionary.pkl"
    path.write_bytes(value if isinstance(value, bytes) else pickle.dumps(value, protocol=protocol))
    return path


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", [4, 5])
def test_text_and_all_kinds_of_numbers(tmp_path: Path, protocol: int) -> None:
    shared = "ENSG1"
    table = {
        **{f"a{n}": np.float64(n / 3) for n in range(2000)}, "b": np.int16(-7), "c": np.float32(0.5), "d": 70_000,
        "e": 2**40, "f": -1, "g": 2.5, "h": "text", "i": shared, "j": shared, "k": np.uint8(200), "l" * 300: 1,
    }  # fmt: skip
    found = read_dictionary(written(tmp_path, table, protocol))
    assert found == table
    assert list(found) == list(table)
    assert all(type(value) in (str, int, float) for value in found.values())


def test_a_trap_is_not_sprung(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with pytest.raises(DataError, match=r"holds more than names and numbers.*mkdir"):
        read_dictionary(written(tmp_path, {"gene": Evil(trace)}))
    assert not trace.exists()
    pickle.loads(pickle.dumps(Evil(trace)))  # noqa: S301  (the trap does work)
    assert trace.exists()


@pytest.mark.parametrize(
    "value",
    [
        {"gene": np.array([1, 2])},
        {"gene": np.array([None], dtype=object)},
        {"gene": np.float64},
        {"gene": complex(1, 2)},
        {"gene": bytearray(b"x")},
        {"gene": {1, 2}},
        {"gene": np.longdouble(1)},
    ],
    ids=["array", "objects", "class", "call", "bytes", "set", "longdouble"],
)
def test_other_objects_are_refused(tmp_path: Path, value: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="holds more than names and numbers"):
        read_dictionary(written(tmp_path, value))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "cannot be read"),
        (b"<html>not found</html>", "cannot be read"),
        (pickle.dumps({"a": 1}, protocol=4)[:-3], "cannot be read"),
        (pickle.dumps(["a"], protocol=4), "holds more than"),
        (pickle.dumps({"a": None}, protocol=4), "is no dictionary"),
        (pickle.dumps({1: "a"}, protocol=4), "is no dictionary"),
        (pickle.dumps("text", protocol=4), "is no dictionary"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a placeholder"),
    ],
)
def test_what_is_no_dictionary_is_said(tmp_path: Path, content: bytes, what: str) -> None:
    with pytest.raises(DataError, match=what):
        read_dictionary(written(tmp_path, content))


def test_a_damaged_file_gives_clear_words_or_a_dictionary(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    tokens, medians, *_ = dictionaries("V1")
    for table in (tokens, medians):
        whole = pickle.dumps(table, protocol=4)
        for _ in range(100):
            letters = bytearray(whole)
            for place in random.integers(len(letters), size=3):
                letters[place] = random.integers(256)
            try:
                assert isinstance(read_dictionary(written(tmp_path, bytes(letters))), dict)
            except DataError:
                continue
