from __future__ import annotations

from pathlib import Path

import pytest

from backend.api._checks import check_name, check_path, one_of
from backend.errors import DataError, NotFound, UserError


def test_a_name_loses_its_outer_spaces() -> None:
    assert check_name("  Lung 5-9  ") == "Lung 5-9"


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "two\nlines", "bell\x07", "turned\u202eround", "zero\x00"])
def test_names_that_would_garble_a_list_are_refused(name: str) -> None:
    with pytest.raises(UserError):
        check_name(name)


def test_a_taken_name_is_refused() -> None:
    with pytest.raises(UserError, match="taken"):
        check_name("demo", taken=["demo"])


def test_a_page_reads_only_the_allowed_folders(home: Path, tmp_path: Path) -> None:
    inside, outside = home / "inbox" / "a.h5ad", tmp_path / "secret.h5ad"
    inside.parent.mkdir(parents=True)
    for file in (inside, outside):
        file.touch()
    assert check_path(inside, trusted=False) == inside
    assert check_path(outside, trusted=True) == outside
    with pytest.raises(DataError, match="may not be read"):
        check_path(outside, trusted=False)
    with pytest.raises(DataError, match="may not be read"):
        check_path(home / "inbox" / ".." / ".." / "secret.h5ad", trusted=False)


def test_a_link_does_not_lead_out_of_the_folder(home: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.h5ad"
    secret.touch()
    (home / "inbox").mkdir(parents=True)
    (home / "inbox" / "link.h5ad").symlink_to(secret)
    with pytest.raises(DataError, match="may not be read"):
        check_path(home / "inbox" / "link.h5ad", trusted=False)


@pytest.mark.parametrize("path", ["/no/such/file", "bad\x00name", "~nobody-here/x"])
def test_a_file_that_is_not_there_is_one_clear_error(path: str) -> None:
    with pytest.raises(DataError, match="There is no file"):
        check_path(Path(path), trusted=True)


def test_by_id_before_by_name_and_never_by_half(dataset) -> None:
    first, second = dataset("tissue", ("A",), name="twin"), dataset("tissue", ("B",), name="twin")
    odd = dataset("tissue", ("C",), name=first.id)
    assert one_of([odd, first, second], first.id, "data set", "datasets list") == first
    with pytest.raises(NotFound, match="2 data sets are called"):
        one_of([odd, first, second], "twin", "data set", "datasets list")
    with pytest.raises(NotFound, match="There is no data set"):
        one_of([odd, first, second], "twi", "data set", "datasets list")
