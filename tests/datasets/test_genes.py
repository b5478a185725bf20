"""Names of genes."""

from __future__ import annotations

from backend.datasets import genes


def test_tables_of_ids_agree() -> None:
    assert genes.symbols("human")["ENSG00000141510"] == "TP53"
    assert genes.ensembl_ids("human")["TP53"] == "ENSG00000141510"
    assert genes.symbols("mouse") == {}
