"""Human or mouse."""

from __future__ import annotations

import pandas as pd
import pytest

from backend.datasets.checks.species import guess


@pytest.mark.parametrize(
    ("names", "species"),
    [
        (["TP53", "C1orf43", "EGFR", "HLA-DRA"], "human"),
        (["Trp53", "Egfr", "H2-Ab1", "Gad2"], "mouse"),
        (["ENSG00000141510", "ENSG00000146648"], "human"),
        (["ENSMUSG00000059552.14", "ENSMUSG00000020122.3"], "mouse"),
    ],
)
def test_species_by_names(names: list[str], species: str) -> None:
    assert guess(pd.Series(names))[0] == species


def test_ids_in_a_column_outweigh_the_case_of_symbols() -> None:
    lower = pd.Series(["tp53", "egfr"])
    assert guess(lower, pd.Series(["ENSG00000141510", "ENSG00000146648"]))[0] == "human"


def test_a_weak_guess_says_so() -> None:
    assert guess(pd.Series(["tp53", "egfr", "gad2"]))[1].startswith("Only weakly")
