"""Human and mouse, one to one."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.datasets.orthologues import map_species, one_to_one
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


def test_a_table_without_both_species_names_what_it_lacks(tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text("human,rat\nAAA,Aaa\n")
    with pytest.raises(DataError, match="no column for mouse"):
        one_to_one("human", "mouse", table)


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
