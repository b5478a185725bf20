"""Human and mouse, one to one."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.datasets.orthologues import keep_table, kept, map_species, one_to_one
from backend.errors import DataError


def test_partners_go_both_ways() -> None:
    there, back = one_to_one("human", "mouse"), one_to_one("mouse", "human")
    assert there["TP53"] == "Trp53"
    assert len(there) == len(back) > 15_000
    assert all(back[mouse] == human for human, mouse in there.items())


def test_genes_with_several_partners_are_left_out() -> None:
    assert "H2-Ab1" not in one_to_one("mouse", "human") or "HLA-DQB1" in one_to_one("human", "mouse")
    assert map_species(["Gad2", "Nothing"], "mouse", "human") == {"Gad2": "GAD2"}
    assert map_species(["Gad2"], "mouse", "mouse") == {"Gad2": "Gad2"}


def test_an_uploaded_table_is_used(tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text(
        "Human gene stable ID,Human gene name,Mouse gene name\nE1,AAA,Aaa\nE2,BBB,Bbb1\nE3,BBB,Bbb2\nE4,,Ccc\n"
    )
    assert one_to_one("mouse", "human", table) == {"Aaa": "AAA"}


def test_ensembl_names_the_other_species_only(tmp_path: Path) -> None:
    table = tmp_path / "biomart.csv"
    table.write_text("Gene stable ID,Gene name,Mouse gene stable ID,Mouse gene name\nE1,AAA,M1,Aaa\n")
    assert one_to_one("human", "mouse", table) == {"AAA": "Aaa"}


def test_a_table_without_both_species_names_what_it_lacks(tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text("human,rat\nAAA,Aaa\n")
    with pytest.raises(DataError, match="no column for mouse"):
        one_to_one("human", "mouse", table)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not a table"),
        (b"\xff\xfe\x00human,mouse", "not a table"),
        (b"human,mouse\n,\n", "no pair"),
        (b"human,mouse\n" + b"A,B\n" * 20, "too large"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, monkeypatch, content: bytes, why: str) -> None:
    monkeypatch.setattr("backend.datasets.orthologues.MOST_BYTES", 80)
    table = tmp_path / "pairs.csv"
    table.write_bytes(content)
    with pytest.raises(DataError, match=why):
        keep_table(table)


def test_a_kept_table_holds_the_pairs_alone_under_a_name_of_their_own(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path / "home"))
    table, twin = tmp_path / "pairs.tsv", tmp_path / "twin.csv"
    table.write_text("mouse gene\thuman gene\tsecret\nBbb\tBBB\tx\nAaa\tAAA\ty\n")
    twin.write_text("human,mouse\nAAA,Aaa\nBBB,Bbb\n")
    name = keep_table(table)
    assert name == keep_table(twin)
    table.unlink()
    assert one_to_one("mouse", "human", kept(name)) == {"Aaa": "AAA", "Bbb": "BBB"}
    assert "secret" not in kept(name).read_text()
    assert kept(None) is None


def test_agrees_with_an_independent_table() -> None:
    import pandas as pd

    path = Path(__file__).resolve().parents[3] / "shared/data/orthologs/nichecompass_human_mouse_gene_orthologs.csv"
    if not path.exists():
        pytest.skip("the table to check against is not here")
    other = pd.read_csv(path, dtype=str)[["Gene name", "Mouse gene name"]].dropna()
    theirs = dict(zip(other["Gene name"], other["Mouse gene name"]))
    ours = one_to_one("human", "mouse")
    both = [human for human in ours if human in theirs]
    assert len(both) > 14_000
    assert sum(ours[human] == theirs[human] for human in both) > 0.975 * len(both)
