"""Names renamed, merged, split; groups named; and what names mean the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backend.datasets.naming.annotate import annotate
from backend.datasets.naming.edits import check_edit
from backend.datasets.naming.found import UNSURE
from backend.datasets.naming.labels import alike
from backend.errors import DataError, UserError
from backend.records import DatasetRecord
from backend.store import matrix
from tests.datasets.desk import Desk
from tests.datasets.naming.small_tissue import finished, kinds, table_of


def edit(record: DatasetRecord, desk: Desk, base: str = "column", **given: Any) -> dict[str, Any]:
    return annotate({"dataset": record.id, "how": "edit", "base": base, **given}, desk)


def test_two_types_change_places_and_a_third_joins_one(tissue: DatasetRecord, desk: Desk) -> None:
    facts = edit(tissue, desk, renames={"A": "B", "B": "A", "C": "A"})
    truth = kinds(150)[1]
    np.testing.assert_array_equal(table_of(desk.result)["type"] == "B", truth == "A")
    assert facts["types"] == 2
    assert facts["source"].startswith("Types as the data name them (column 'cell_type'). Names were edited")


def test_an_edit_of_an_edit_says_so_once(tissue: DatasetRecord, desk: Desk) -> None:
    base = finished(tissue, kinds(150)[1], {"source": "Found. Names were edited by hand.", "edits": 1})
    facts = edit(tissue, desk, base, renames={"A": "D"})
    assert facts["source"] == "Found. Names were edited by hand."
    assert facts["edits"] == 2


def test_what_was_found_besides_goes_along(tissue: DatasetRecord, desk: Desk) -> None:
    types, groups = kinds(150)[1], np.where(np.arange(150) < 6, "group 1", "")
    types[groups != ""] = UNSURE
    told = [{"group": "group 1", "cells": 6, "nearest": "A"}, {"group": "group 2", "cells": 9, "nearest": "B"}]
    base = finished(tissue, types, {"no_counterpart": told, "colours": {"A": "#000000"}}, group=groups)
    facts = edit(tissue, desk, base, groups={"group 1": "Mast cell"})
    table = table_of(desk.result)
    np.testing.assert_array_equal(table["type"] == "Mast cell", groups == "group 1")
    np.testing.assert_array_equal(table["probability"].isna(), groups == "group 1", "it was that of another name")
    np.testing.assert_allclose(table["probability"].dropna(), 0.9, rtol=1e-6)
    assert facts["no_counterpart"] == told[:1], "groups without a cell here are gone"
    assert "colours" not in facts
    with pytest.raises(DataError, match="no group 'group 2'"):
        edit(tissue, desk, base, groups={"group 2": "x"})


def test_a_name_given_to_unsure_cells_has_no_probability(tissue: DatasetRecord, desk: Desk) -> None:
    types = kinds(150)[1]
    types[:9] = UNSURE
    edit(tissue, desk, finished(tissue, types), renames={UNSURE: "Mast cell", "A": "B"})
    table = table_of(desk.result)
    np.testing.assert_array_equal(table["probability"].isna(), table["type"] == "Mast cell")
    assert (table["type"] == "Mast cell").sum() == 9


def test_a_type_is_split_by_expression(tissue: DatasetRecord, desk: Desk) -> None:
    """A and B are called by one name: clusters find them again."""
    truth = kinds(150)[1]
    base = finished(tissue, np.where(truth == "C", "C", "mixed"))
    edit(tissue, desk, base, splits={"mixed": {"by": "leiden", "resolution": 0.3}})
    types = table_of(desk.result)["type"]
    assert set(types) == {"C", "mixed 1", "mixed 2"}
    assert len(set(zip(types, truth))) == 3


def test_a_type_is_split_by_a_gene(tissue: DatasetRecord, desk: Desk) -> None:
    edit(tissue, desk, splits={"A": {"by": "gene", "gene": "GENE0", "above": 2}})
    types, truth = table_of(desk.result)["type"].to_numpy(), kinds(150)[1]
    np.testing.assert_array_equal(types == "A GENE0+", (truth == "A") & (matrix.gene_values(tissue.id, "GENE0") > 2))
    assert set(types) == {"A GENE0+", "A GENE0-", "B", "C"}
    with pytest.raises(DataError, match="None of its 50 cells"):
        edit(tissue, desk, splits={"A": {"by": "gene", "gene": "GENE0", "above": 1e6}})


def test_a_type_of_one_cell_is_met_with_words(tissue: DatasetRecord, desk: Desk) -> None:
    types = kinds(150)[1]
    types[0] = "lonely"
    base = finished(tissue, types)
    with pytest.raises(DataError, match=r"'lonely' is too small.*It has 1 cells"):
        edit(tissue, desk, base, splits={"lonely": {"by": "leiden", "resolution": 1}})
    assert edit(tissue, desk, base, renames={"lonely": "alone"})["types"] == 4


def test_an_edit_keeps_only_what_changes_something() -> None:
    assert check_edit({"A", "B"}, {"A": " A2 ", "B": "B"}, {}, {}) == {"renames": {"A": "A2"}}
    with pytest.raises(UserError, match="Nothing was changed"):
        check_edit({"A", "B"}, {"A": " A "}, {}, {})


def test_all_faults_of_an_edit_are_told_at_once() -> None:
    splits = {"B": {"by": "leiden", "resolution": 9}, "A": {"by": "magic"}, "C": {"by": "gene", "gene": "", "above": 1}}
    renames = {"A": " ", "gone": "x", "B": "a\x00b", "C": "y" * 81}
    with pytest.raises(UserError) as told:
        check_edit({"A", "B", "C"}, renames, splits, {})
    for part in ("without a name", "'gone'", "control", "81 characters", "resolution", "'magic'", "name the gene"):
        assert part in told.value.why
    assert "renamed and split at once" in told.value.why


def test_more_types_than_figures_can_show_are_refused() -> None:
    with pytest.raises(UserError, match="201 types"):
        check_edit({f"T{i}" for i in range(201)}, {"T0": "T000"}, {}, {})


def test_names_that_mean_the_same_are_found() -> None:
    known = ["T cell", "Tumor", "B cell", "b-cell", "NK cells", "Mast cell", "CD4+ T"]
    ours = ["T cells", "t-cell", "Tumour", "B_cell", "NK cells", "Basal", "CD4 T", "mast  Cells", "unsure", "is"]
    meant = {"T cells": "T cell", "t-cell": "T cell", "Tumour": "Tumor", "mast  Cells": "Mast cell"}
    assert alike(ours, known) == meant
