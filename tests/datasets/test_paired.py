from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backend.datasets.paired import plan_genes, read_cells, read_pair
from backend.errors import GeneMismatch
from backend.store import matrix
from tests.evaluation.small_study import make_reference, make_tissue, write_dataset, write_study


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path))


def test_without_a_validation_tissue_inputs_are_the_shared_genes() -> None:
    tissue, reference = write_study()
    plan = plan_genes(tissue, reference, None)
    assert plan.input_genes == plan.panel_genes == tuple(sorted(matrix.var(tissue.id).index))


def test_with_one_the_inputs_reach_beyond_the_panel_and_the_tissue_is_empty_there() -> None:
    tissue, reference, validation = write_study(validation=True)
    plan = plan_genes(tissue, reference, validation)
    assert set(plan.panel_genes) < set(plan.input_genes)
    pair = read_pair(plan, tissue, reference, validation)
    beyond = [i for i, gene in enumerate(plan.input_genes) if gene not in plan.panel_genes]
    assert pair.data.tissue.expression[:, beyond].nnz == 0
    assert pair.data.reference.expression[:, beyond].nnz > 0
    assert pair.validation is not None
    assert pair.validation.genes == plan.input_genes


def test_cells_keep_their_numbers_and_places_whatever_the_order_of_genes() -> None:
    data = make_tissue(0, sections=2)
    shuffled = np.random.default_rng(0).permutation(12)
    order = {**data, "counts": data["counts"][:, shuffled], "genes": [data["genes"][i] for i in shuffled]}
    tissue, reference = (
        write_dataset("mixed", "tissue", order),
        write_dataset("reference", "reference", make_reference(1)),
    )
    plan = plan_genes(tissue, reference, None)
    cells = read_pair(plan, tissue, reference, None).data.tissue
    np.testing.assert_array_equal(cells.expression.toarray(), data["counts"])
    np.testing.assert_array_equal(cells.coordinates, data["xy"])
    assert cells.section is not None
    assert list(cells.section[:4]) == [0, 1, 0, 1]


def test_another_species_is_read_through_its_orthologues() -> None:
    human = ["GAD2", "CRHBP", "SLC32A1", "CNR1", "VIP", "CPNE5", "HLA-A"]
    mouse = ["Gad2", "Crhbp", "Slc32a1", "Cnr1", "Vip", "Cpne5", "Xist"]
    tissue_data, reference_data = make_tissue(0, n_genes=7), make_reference(1, n_genes=7)
    tissue = write_dataset("mouse", "tissue", {**tissue_data, "genes": mouse}, species="mouse")
    reference = write_dataset("human", "reference", {**reference_data, "genes": human})
    plan = plan_genes(tissue, reference, None)
    assert plan.panel_genes == ("Cnr1", "Cpne5", "Crhbp", "Gad2", "Slc32a1", "Vip")
    cells = read_cells(reference, plan.input_genes, plan.measured[reference.id])
    np.testing.assert_array_equal(cells.expression.toarray()[:, 3], reference_data["counts"][:, 0])
    assert cells.coordinates is None


def test_a_gene_whose_symbol_changed_is_found_by_its_ensembl_id() -> None:
    ids = [f"ENSG{i:011d}" for i in range(8)]
    old, new = [f"OLD{i}" for i in range(8)], [f"NEW{i}" for i in range(8)]
    tissue = write_dataset("old", "tissue", {**make_tissue(0, n_genes=8), "genes": old, "ensembl": ids})
    reference = write_dataset("new", "reference", {**make_reference(1, n_genes=8), "genes": new, "ensembl": ids})
    assert plan_genes(tissue, reference, None).panel_genes == tuple(old)


def test_too_few_shared_genes_are_refused_with_examples_of_both_sides() -> None:
    tissue, _ = write_study()
    numbers = write_dataset("numbers", "reference", {**make_reference(1), "genes": [str(i) for i in range(14)]})
    with pytest.raises(GeneMismatch) as caught:
        plan_genes(tissue, numbers, None)
    assert "share 0 genes" in caught.value.what
    assert "GENE00" in caught.value.why
    assert "0, 1, 2" in caught.value.why
    assert caught.value.mend
