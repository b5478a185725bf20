"""Names of genes, and bringing cells to a model's genes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from backend.datasets import genes
from backend.errors import GeneMismatch
from backend.methods.contract import Cells
from tests.datasets.raws import GENES, counts

CELLS = Cells(csr_matrix(counts()), GENES, "counts", coordinates=np.zeros((120, 2), np.float32))


def test_shared_genes_are_sorted_once_and_blind_to_case() -> None:
    assert genes.shared(["b", "A", "c", "A"], ["a", "B"]) == ("A", "b")


def test_aligning_orders_renames_and_fills() -> None:
    wanted = ("gene5", "MISSING", "GENE0", *GENES[10:20])
    aligned, missing = genes.align(CELLS, wanted)
    assert missing == ("MISSING",)
    assert aligned.genes == wanted
    dense = aligned.expression.toarray()
    np.testing.assert_array_equal(dense[:, 0], counts()[:, 5])
    np.testing.assert_array_equal(dense[:, 1], 0)
    np.testing.assert_array_equal(dense[:, 2], counts()[:, 0])
    assert aligned.coordinates is CELLS.coordinates
    assert aligned.expression.dtype == np.float32


def test_too_few_genes_are_refused_with_examples() -> None:
    with pytest.raises(GeneMismatch) as caught:
        genes.align(CELLS, (*GENES[:12], *(f"other{i}" for i in range(13))))
    assert "12 of the model's 25" in caught.value.what
    assert "other0" in caught.value.why
    genes.align(CELLS, (*GENES[:13], *(f"other{i}" for i in range(13))))
    with pytest.raises(GeneMismatch):
        genes.align(CELLS, (*GENES[:9], "other"))


def test_tables_of_ids_agree() -> None:
    assert genes.symbols("human")["ENSG00000141510"] == "TP53"
    assert genes.ensembl_ids("human")["TP53"] == "ENSG00000141510"
    assert genes.symbols("mouse") == {}
