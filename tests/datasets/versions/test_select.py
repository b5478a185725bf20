"""What a recipe keeps, which rule drops each cell, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backend.datasets.versions.kept import Kept
from backend.datasets.versions.select import check_columns, needed, select
from backend.errors import UserError
from backend.records import Area, Cut, DatasetRecord, Recipe
from backend.store import matrix
from tests.datasets.versions.small import N_CELLS, reference, tissue

LEFT = Area(name="core", section="L", corners=((-5, -5), (45, -5), (45, 200), (-5, 200)))
EVERYWHERE = ((-50, -50), (2000, -50), (2000, 2000), (-50, 2000))


def kept(record: DatasetRecord, types: Any = None, **recipe: Any) -> Kept:
    asked = Recipe(**recipe)
    check_columns(asked, matrix.obs_columns(record.id))
    return select(matrix.obs(record.id, needed(asked)), asked, record, types)


def test_the_first_rule_that_drops_a_cell_is_its_reason() -> None:
    record = tissue()
    table = matrix.obs(record.id)
    cuts = (Cut(measure="counts", least=60), Cut(measure="area_um2", least=60, most=150))
    found = kept(record, cuts=cuts, where={"section": ("L",)})
    low = table["counts"] < 60
    small = ~low & (table["area_um2"] < np.float32(60))
    large = ~low & (table["area_um2"] > 150)
    other = ~(low | small | large) & (table["section"] == "R")
    assert found.dropped_by == {
        "Counts below 60": low.sum(), "Cell area below 60 µm²": small.sum(), "Cell area above 150 µm²": large.sum(),
        "section other than L": other.sum(),
    }  # fmt: skip
    np.testing.assert_array_equal(found.mask, ~(low | small | large | other))
    assert found.n == found.mask.sum()


def test_ends_are_kept_and_cells_without_a_value_stay() -> None:
    areas = np.linspace(40, 160, N_CELLS)
    areas[5] = np.nan
    found = kept(tissue(area_um2=areas), cuts=(Cut(measure="area_um2", least=160.0),))
    assert np.flatnonzero(found.mask).tolist() == [5, N_CELLS - 1]


def test_values_of_numbers_are_written_as_one_would() -> None:
    record = tissue(valid=np.arange(N_CELLS) % 2 * 1.0)
    np.testing.assert_array_equal(kept(record, where={"valid": ("1",)}).mask, np.arange(N_CELLS) % 2 == 1)


def test_tables_per_section_and_type() -> None:
    record = tissue()
    found = kept(record, cuts=(Cut(measure="batch_no", most=29),))
    table = found.sections.set_index("name")
    assert table.loc["L"].to_dict() == {"cells": 120, "kept": 30, "share": 0.25}
    assert table.loc["R", "kept"] == 0
    by_type = found.by(matrix.obs(record.id)["type"])
    assert by_type["kept"].tolist() == [10, 10, 10]
    assert by_type["cells"].sum() == N_CELLS


def test_sections_are_drawn_and_the_rest_keeps_its_name() -> None:
    record = tissue()
    inner = LEFT.model_copy(update={"name": "inner", "corners": ((25, -5), (45, -5), (45, 200), (25, 200))})
    found = kept(record, areas=(LEFT, inner))
    x = matrix.obs(record.id)["x_um"].to_numpy()
    left = np.arange(N_CELLS) < 120
    truth = np.where(left & (x < 25), "core", np.where(left & (x < 45), "inner", np.where(left, "L", "R")))
    np.testing.assert_array_equal(found.section, truth)
    assert any("lie in areas drawn later" in note for note in found.notes)
    assert found.n == N_CELLS


def test_areas_of_samples_leave_sections_alone() -> None:
    found = kept(tissue(), areas=(LEFT,), areas_are="sample")
    assert set(found.section) == {"L", "R"}
    assert set(found.names["sample"]) == {"core", "unknown"}


def test_cells_of_other_sections_are_never_touched_and_counted() -> None:
    wide = Area(name="both", section="L", corners=EVERYWHERE)
    found = kept(tissue(), areas=(wide,))
    assert (found.section[:120] == "both").all()
    assert (found.section[120:] == "R").all()
    assert any("120 cells of other sections lie within its corners" in note for note in found.notes)


@pytest.mark.parametrize(
    ("areas", "said"),
    [
        ((LEFT.model_copy(update={"section": "X"}),), "no section 'X'"),
        ((LEFT.model_copy(update={"corners": ((300, 0), (400, 0), (400, 90))}),), "holds no cell of 'L'"),
        ((LEFT.model_copy(update={"name": "R"}),), "called 'R' already"),
        ((LEFT, Area(name="core", section="R", corners=EVERYWHERE)), "Areas of 2 sections are called 'core'"),
    ],
)
def test_areas_that_do_not_fit_are_refused(areas: tuple[Area, ...], said: str) -> None:
    with pytest.raises(UserError, match=said):
        kept(tissue(), areas=areas)


def test_gaps_divide_one_section() -> None:
    one = kept(tissue(section="slide"), gap_um=150.0)
    np.testing.assert_array_equal(one.section, ["tissue 1"] * 120 + ["tissue 2"] * 120)
    assert one.notes == ["'slide' falls into 2 pieces with 150 µm of empty space between them."]
    assert set(kept(tissue(), gap_um=150.0).section) == {"L", "R"}


def test_names_are_read_from_columns() -> None:
    record = tissue(mouse=["m1", "m2"] * 120, lot=np.repeat([1, 2, 3], 80))
    found = kept(record, columns={"patient": "mouse", "sample": "lot", "section": "lot"})
    assert set(found.names["patient"]) == {"m1", "m2"}
    np.testing.assert_array_equal(found.section, np.repeat(["1", "2", "3"], 80))


def test_a_sections_name_that_returns_in_another_sample_is_another_section() -> None:
    found = kept(tissue(lot=["x", "y"] * 120), columns={"sample": "lot"})
    assert set(found.section) == {"x / L", "x / R", "y / L", "y / R"}


def test_columns_of_too_many_values_are_refused_all_at_once() -> None:
    with pytest.raises(UserError) as refused:
        kept(tissue(), columns={"section": "batch_no", "patient": "area_um2"})
    assert "'batch_no' holds 240 different values: no sections" in refused.value.what
    assert "'area_um2' holds measurements" in refused.value.what


def test_unknown_columns_and_values_are_listed() -> None:
    record = tissue()
    with pytest.raises(UserError, match="'c d', 'a b' are no columns") as refused:
        kept(record, where={"a b": ("1",)}, cuts=(Cut(measure="c d", least=1),))
    assert "batch_no" in refused.value.why
    with pytest.raises(UserError, match="No cell has section = 'Z'") as refused:
        kept(record, where={"section": ("L", "Z")})
    assert refused.value.why == "Its values: L, R."
    with pytest.raises(UserError, match="holds no numbers"):
        kept(record, cuts=(Cut(measure="type", least=1),))


def test_a_region_keeps_the_cells_of_its_section() -> None:
    record = tissue()
    x = matrix.obs(record.id)["x_um"].to_numpy()
    found = kept(record, regions=(LEFT,))
    np.testing.assert_array_equal(found.mask, (np.arange(N_CELLS) < 120) & (x < 45))


def test_fewer_cells_of_a_tissue_are_one_piece() -> None:
    record = tissue()
    found = kept(record, most_cells=40)
    xy = matrix.obs(record.id)[["x_um", "y_um"]].to_numpy()
    assert found.n == 40
    assert len(set(found.section[found.mask])) == 1
    own = found.section == found.section[found.mask][0]
    low, high = xy[found.mask].min(axis=0), xy[found.mask].max(axis=0)
    within = ((xy >= low) & (xy <= high)).all(axis=1) & own
    np.testing.assert_array_equal(found.mask, within)  # a square without a hole


def test_fewer_cells_of_a_reference_are_balanced() -> None:
    record = reference({"a": 100, "b": 50, "rare": 5})
    found = kept(record, most_cells=65)
    assert dict(zip(*np.unique(found.names["type"][found.mask], return_counts=True))) == {"a": 30, "b": 30, "rare": 5}
    assert any("Kept whole: rare" in note for note in found.notes)
    other = kept(record, types=np.array(["one"] * 150 + ["two"] * 5, dtype=object), most_cells=15)
    assert other.mask[150:].all()


def test_a_map_is_needed_for_areas() -> None:
    with pytest.raises(UserError, match="no coordinates"):
        kept(reference({"a": 100}), gap_um=50.0)
