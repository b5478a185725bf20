"""Cell groups as Xenium Explorer writes them, in and out."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backend.datasets.naming.annotate import annotate
from backend.datasets.naming.cell_groups import read_groups, write_groups
from backend.datasets.naming.found import UNSURE
from backend.errors import DataError
from backend.records import DatasetRecord
from tests.datasets.desk import Desk
from tests.datasets.naming.small_tissue import table_of


def write(folder: Path, text: str, name: str = "groups.csv") -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def run(record: DatasetRecord, path: Path, desk: Desk) -> dict:
    return annotate({"dataset": record.id, "how": "groups", "path": str(path)}, desk)


def test_what_matches_and_what_does_not_is_counted(tissue: DatasetRecord, desk: Desk, tmp_path: Path) -> None:
    path = write(tmp_path, "cell_id,group,color\ncell0,T cell,#FF0000\ncell1,B cell,red\nelsewhere,T cell,#FF0000\n")
    facts = run(tissue, path, desk)
    types = table_of(desk.result)["type"]
    assert list(types[:3]) == ["T cell", "B cell", UNSURE]
    assert (facts["matched"], facts["in_file_only"], facts["in_data_only"]) == (2, 1, 148)
    assert "2 cells matched, 1 only in the file, 148 only in the data" in facts["source"]
    assert facts["colours"] == {"T cell": "#FF0000"}


def test_no_match_is_refused_with_ids_of_both_sides(tissue: DatasetRecord, desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"1 ids of the file look like 'aaaa-1'; 150 of the data like 'cell0', 'cell1'"):
        run(tissue, write(tmp_path, "cell_id,group\naaaa-1,T cell\n"), desk)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("cell_id,group\n007,NA\n1e5,=HYPER()\n", "a.csv"),
        ("#Selection name: x\n#Area\nCell ID\tCluster\n007\tNA\n1e5\t'=HYPER()\n", "a.tsv"),
        ("\ufeffbarcode;group\r\n007;NA\r\n1e5;=HYPER()\r\n", "a.csv.gz"),
    ],
)
def test_ids_and_names_stay_the_text_they_are(text: str, name: str, tmp_path: Path) -> None:
    assert read_groups(write(tmp_path, text, name))["group"].to_dict() == {"007": "NA", "1e5": "=HYPER()"}


def test_faults_are_told_at_once(tmp_path: Path) -> None:
    text = "cell_id,group\n" + "".join(f"c{i},group {i}\n" for i in range(300)) + f"c1,other\nc301,{'x' * 81}\n"
    with pytest.raises(DataError, match=r"302 groups.*1 cells stand in two groups.*'c1'") as told:
        read_groups(write(tmp_path, text))
    assert "not too long" not in str(told.value)
    with pytest.raises(DataError, match="81 characters"):
        read_groups(write(tmp_path, f"cell_id,group\nc1,{'x' * 81}\n"))


@pytest.mark.parametrize("text", ["", "\n\n", "# only\n", "a,b\n1,2\n", "cell_id\nc1\n", "\x00\x01"])
def test_what_is_no_such_file_is_said_so(text: str, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        read_groups(write(tmp_path, text))


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"\x1f\x8b\x08garbage", "a.csv.gz", "cannot be unpacked"),
        (gzip.compress(b"cell_id,group\nc1,T\n", mtime=0)[:-12], "a.csv.gz", "cannot be unpacked"),
        (b"cell_id,group\nc1,T\0B\n", "a.csv", "NUL"),
        (b"cell_id,group\n", "a.csv", "names no cell"),
        (b",".join([b"cell_id", b"group", *[b"x"] * 5000]) + b"\nc1,T\n", "a.csv", "5,002 columns"),
    ],
)
def test_a_broken_file_is_no_defect(data: bytes, name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match=said):
        read_groups(tmp_path / name)


def test_a_row_that_is_given_twice_alike_counts_once(tmp_path: Path) -> None:
    assert len(read_groups(write(tmp_path, "cell_id,group\nc1,T\nc1,T\nc2,\n"))) == 1


def test_what_is_written_is_read_back_and_holds_no_formula(tmp_path: Path) -> None:
    names = ["=cmd|' /C calc'!A0", "T, cell", '@x "quoted"', "-", "T cell"]
    cells = pd.Series(names, index=[f"c{i}" for i in range(5)])
    text = write_groups(cells, {}).decode()
    assert text.startswith("cell_id,group\n")
    written = pd.read_csv(tmp_path / write(tmp_path, text), dtype=str)["group"]
    assert not written.str.startswith(("=", "+", "-", "@")).any()
    assert read_groups(write(tmp_path, text))["group"].to_dict() == cells.to_dict()


def test_colours_are_written_where_every_type_has_one() -> None:
    cells = pd.Series(["T", "B"], index=["c0", "c1"])
    assert write_groups(cells, {"T": "#000000"}) == b"cell_id,group\nc0,T\nc1,B\n"
    with_colours = write_groups(cells, {"T": "#000000", "B": "#ffffff"})
    assert with_colours == b"cell_id,group,color\nc0,T,#000000\nc1,B,#ffffff\n"


def test_a_hundred_thousand_cells_are_read_in_a_moment(tmp_path: Path) -> None:
    ids = np.char.add("cell", np.arange(100_000).astype(str))
    cells = pd.Series(np.where(np.arange(100_000) % 2, "T cell", "B cell"), index=ids)
    assert len(read_groups(write(tmp_path, write_groups(cells, {}).decode()))) == 100_000
