"""A version as it is written: exactly the parent's cells, named by its content, the parent untouched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backend.datasets import canonical
from backend.errors import UserError
from backend.records import Area, Cut, DatasetRecord, JobState, JobStatus, Recipe
from backend.store import index, layout, matrix
from tests.datasets.desk import Desk
from tests.datasets.naming.small_tissue import finished
from tests.datasets.raws import look, make_raw
from tests.datasets.versions.small import N_CELLS, reference, tissue, version

HALF = Recipe(cuts=(Cut(measure="batch_no", least=60),))


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_it_holds_the_parents_cells_and_all_its_genes(desk: Desk) -> None:
    parent = tissue()
    before = content(layout.dataset_folder(parent.id))
    made = version(parent, HALF, desk)
    rows = np.arange(60, N_CELLS)
    whole, names = matrix.load_csr(parent.id)
    part, same_names = matrix.load_csr(made.id)
    np.testing.assert_array_equal(part.toarray(), whole[rows].toarray())
    assert same_names == names
    np.testing.assert_array_equal(matrix.gene_values(made.id, names[3]), whole[rows, 3].toarray().ravel())
    pd.testing.assert_frame_equal(matrix.obs(made.id), matrix.obs(parent.id).iloc[rows])
    assert (made.parent, made.recipe, made.n_cells) == (parent.id, HALF, 180)
    assert made.left_out[0] == "60 of 240 cells left out."
    assert content(layout.dataset_folder(parent.id)) == before


def test_a_gene_that_no_cell_expresses_any_more_stays(desk: Desk) -> None:
    values = np.ones((100, 12), dtype=np.float32)
    values[20:, 4] = 0
    record = canonical.write(look(make_raw(values, obs={"no": np.arange(100)}), unit="um").require(), "x")
    index.put(record)
    made = version(record, Recipe(cuts=(Cut(measure="no", least=20),)), desk)
    table = matrix.var(made.id)
    assert made.n_genes == 12
    assert table["detection"].tolist() == [1.0] * 4 + [0.0] + [1.0] * 7


def test_the_same_content_has_the_same_id_by_whatever_recipe(desk: Desk) -> None:
    parent = tissue()
    other = Recipe(cuts=(Cut(measure="batch_no", least=59.5),))
    first, again = version(parent, HALF, desk), version(parent, other, desk)
    assert first.id == again.id
    assert again.recipe == HALF  # what was first
    assert version(parent, Recipe(cuts=(Cut(measure="counts", least=0),)), desk).id == parent.id
    assert index.get(DatasetRecord, parent.id).parent is None


def test_new_sections_are_other_content(desk: Desk) -> None:
    parent = tissue(section="slide")
    made = version(parent, Recipe(gap_um=150.0), desk)
    assert made.id != parent.id
    assert made.sections == ("tissue 1", "tissue 2")
    assert "section" not in made.columns
    assert made.n_cells == parent.n_cells
    assert made.neighbour_um == pytest.approx(parent.neighbour_um, rel=0.05)


def test_areas_are_written_as_sections(desk: Desk) -> None:
    area = Area(name="core", section="L", corners=((-5, -5), (45, -5), (45, 200), (-5, 200)))
    made = version(tissue(), Recipe(areas=(area,)), desk)
    assert made.sections == ("L", "R", "core")
    assert (matrix.obs(made.id)["section"] == "core").sum() > 30


def test_columns_are_read_anew_and_said(desk: Desk) -> None:
    parent = tissue(mouse=["m1", "m2"] * 120)
    made = version(parent, Recipe(columns={"patient": "mouse", "type": "mouse"}), desk)
    assert (made.columns["patient"], made.columns["type"], made.has_types) == ("mouse", "mouse", True)
    table = matrix.obs(made.id)
    assert table["patient"].tolist() == table["type"].tolist() == ["m1", "m2"] * 120


def test_a_references_cells_keep_their_places_on_the_umap(desk: Desk) -> None:
    parent = reference({"a": 60, "b": 40})
    made = version(parent, Recipe(most_cells=50), desk)
    table, whole = matrix.obs(made.id), matrix.obs(parent.id)
    assert {"umap_1", "umap_2"} <= set(table)
    pd.testing.assert_frame_equal(table, whole.loc[table.index])
    assert table["type"].value_counts().to_dict() == {"a": 25, "b": 25}


def test_types_of_a_job_balance(desk: Desk) -> None:
    parent = reference({"a": 60, "b": 40})
    cells = matrix.obs(parent.id, []).index
    named = finished(parent, np.array(["x"] * 90 + ["y"] * 10, dtype=object))
    made = version(parent, Recipe(most_cells=30, balance_by=named), desk)
    assert set(cells[90:]) <= set(matrix.obs(made.id, []).index)
    index.put(index.get(JobStatus, named).model_copy(update={"state": JobState.RUNNING}))
    with pytest.raises(UserError, match="names that this starts from are not there"):
        version(parent, Recipe(most_cells=30, balance_by=named), desk)


def test_a_version_of_a_version(desk: Desk) -> None:
    parent = tissue()
    made = version(version(parent, HALF, desk), Recipe(where={"section": ("R",)}), desk)
    assert made.n_cells == 120
    assert made.parent != parent.id
    pd.testing.assert_frame_equal(matrix.obs(made.id), matrix.obs(parent.id).iloc[120:].assign(
        section=lambda table: table["section"].cat.remove_unused_categories()))  # fmt: skip


@pytest.mark.parametrize(("least", "what"), [(999, "No cell is left"), (235, "Only 5 of 240 cells are left")])
def test_too_few_cells_are_refused_with_the_rule_that_dropped_most(least: float, what: str, desk: Desk) -> None:
    parent = tissue()
    cuts = (Cut(measure="area_um2", least=41.0), Cut(measure="batch_no", least=least))
    with pytest.raises(UserError, match=what) as refused:
        version(parent, Recipe(cuts=cuts), desk)
    assert f"batch_no below {least:g}" in refused.value.why
    assert [record.id for record in index.list_all(DatasetRecord)] == [parent.id]
    assert len(list(layout.dataset_folder(parent.id).parent.iterdir())) == 1


def test_one_that_was_put_away_comes_back(desk: Desk) -> None:
    parent = tissue()
    made = version(parent, HALF, desk)
    index.put(made.model_copy(update={"archived": True}))
    assert not version(parent, HALF, desk).archived
