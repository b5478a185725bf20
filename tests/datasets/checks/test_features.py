"""Genes, and what only looks like one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from backend.datasets.checks.features import control_kind, sum_columns
from tests.datasets.raws import GENES, codes, counts, finding, look, make_raw

CONTROLS = (
    "NegPrb1", "NegPrb23", "Negative01", "NegControlProbe_00042", "NegControlCodeword_0500", "antisense_PROKR2",
    "BLANK_0006", "Blank-12", "UnassignedCodeword_0001", "DeprecatedCodeword_0001", "SystemControl14", "FalseCode2",
    "Intergenic_Region_1", "ERCC-00130", "blank_3", "", "nan",
)  # fmt: skip


@pytest.mark.parametrize("name", CONTROLS)
def test_controls_are_known_by_name(name: str) -> None:
    assert control_kind(name) is not None


@pytest.mark.parametrize(
    "name", ["NEGR1", "ERCC1", "Negr1", "CONTROL1", "BLNK", "FALZ", "SYS1", "AS3MT", "NANS", "NANOG"]
)
def test_genes_that_sound_alike_are_genes(name: str) -> None:
    assert control_kind(name) is None


def test_controls_are_set_aside_with_their_totals() -> None:
    names = [*GENES[:28], "NegPrb1", "Blank-2"]
    diagnosis = look(make_raw(genes=names, excluded={"NegControlProbe_1": 5.0}))
    assert diagnosis.ready is not None
    table = diagnosis.ready.excluded.set_index("name")
    assert list(table.index) == ["NegPrb1", "Blank-2", "NegControlProbe_1"]
    assert table.loc["NegPrb1", "total"] == counts()[:, 28].sum()
    assert diagnosis.ready.values.shape[1] == 28
    assert "3 features" in finding(diagnosis, "controls").what


def test_the_file_may_say_what_is_no_gene() -> None:
    features = pd.DataFrame({"feature_types": ["Gene Expression"] * 29 + ["Antibody Capture"]}, index=GENES)
    diagnosis = look(make_raw(genes=features))
    assert diagnosis.ready is not None
    assert list(diagnosis.ready.excluded["kind"]) == ["antibody capture"]


def test_a_cell_with_controls_only_is_empty() -> None:
    values = counts()
    values[0, :29] = 0
    values[0, 29] = 4
    diagnosis = look(make_raw(values, genes=[*GENES[:29], "NegPrb1"]))
    assert "empty-cells" in codes(diagnosis, "mended")


def test_duplicated_counts_are_summed() -> None:
    diagnosis = look(make_raw(genes=[*GENES[:29], "GENE0"]))
    assert diagnosis.ready is not None
    summed = diagnosis.ready.values[:, 0].toarray().ravel()
    np.testing.assert_array_equal(summed, counts()[:, 0] + counts()[:, 29])
    assert "GENE0" in finding(diagnosis, "duplicate-genes").why


def test_duplicated_logs_are_summed_as_what_they_stand_for() -> None:
    values = csr_matrix(np.log1p(np.array([[1.0, 2.0, 4.0]], dtype=np.float32)))
    summed = sum_columns(values, np.array([0, 1, 0]), 2, log=True)
    np.testing.assert_allclose(summed.toarray(), np.log1p([[5.0, 2.0]]), rtol=1e-6)


def test_ensembl_ids_become_symbols() -> None:
    ids = ["ENSG00000141510.17", "ENSG00000146648", "ENSG00000999999"]
    diagnosis = look(make_raw(counts(n_genes=3), genes=ids))
    assert finding(diagnosis, "gene-ids").guess == "ensembl"
    assert diagnosis.ready is not None
    assert list(diagnosis.ready.genes.index) == ["TP53", "EGFR", "ENSG00000999999"]
    assert list(diagnosis.ready.genes["ensembl"]) == ["ENSG00000141510", "ENSG00000146648", "ENSG00000999999"]
    assert diagnosis.ready.gene_ids == "symbol"


def test_two_ids_of_one_symbol_are_summed() -> None:
    features = pd.DataFrame({"gene_symbols": ["A", "A", "B"]}, index=[f"ENSMUSG0000000000{i}" for i in (1, 2, 3)])
    diagnosis = look(make_raw(counts(n_genes=3), genes=features))
    assert diagnosis.ready is not None
    assert list(diagnosis.ready.genes.index) == ["A", "B"]
    assert diagnosis.ready.species == "mouse"
    assert "2 of 3" not in finding(diagnosis, "ensembl").what


def test_symbols_keep_their_name_and_learn_their_id() -> None:
    features = pd.DataFrame({"gene_ids": ["ENSG00000141510.3", "ENSG00000146648.1"]}, index=["TP53", "EGFR"])
    diagnosis = look(make_raw(counts(n_genes=2), genes=features))
    assert diagnosis.ready is not None
    assert list(diagnosis.ready.genes["ensembl"]) == ["ENSG00000141510", "ENSG00000146648"]
    bare = look(make_raw(counts(n_genes=2), genes=["TP53", "EGFR"]))
    assert bare.ready is not None
    assert list(bare.ready.genes["ensembl"]) == ["ENSG00000141510", "ENSG00000146648"]


def test_dates_of_spreadsheets_are_noted() -> None:
    assert "1-Mar" in finding(look(make_raw(genes=[*GENES[:29], "1-Mar"])), "dates").what
