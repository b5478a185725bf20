"""The door to versions: names, families, where a step starts again, and what pages ask for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backend import api
from backend.errors import UserError
from backend.records import Area, Cut, DatasetRecord, JobState, Recipe
from backend.store import index
from tests.datasets.versions.small import reference as make_reference
from tests.datasets.versions.small import tissue as make_tissue

HALF = Recipe(cuts=(Cut(measure="batch_no", least=60),))


@pytest.fixture
def lung() -> DatasetRecord:
    return make_tissue()


def made(dataset_id: str, recipe: Recipe, name: str | None = None) -> DatasetRecord:
    job = api.wait(api.start_version(dataset_id, recipe, name).id)
    assert job.state is JobState.SUCCEEDED, job.error
    return api.dataset(str(job.result["dataset"]))


def test_a_version_is_made_once_and_comes_back_after_it_was_deleted(lung: DatasetRecord) -> None:
    first = made(lung.id, HALF)
    assert (first.name, first.n_cells, first.parent) == ("Lung (QC)", 180, lung.id)
    assert api.start_version(lung.id, HALF).state is JobState.SUCCEEDED
    api.archive_dataset(first.id)
    api.start_version(lung.id, HALF)
    assert not api.dataset(first.id).archived
    api.delete_dataset(first.id)
    assert made(lung.id, HALF).id == first.id


def test_a_parent_may_go_and_its_versions_stand(lung: DatasetRecord) -> None:
    first = made(lung.id, HALF)
    second = made(first.id, Recipe(where={"section": ("R",)}))
    assert second.name == "Lung (QC)"
    api.delete_dataset(lung.id)
    assert api.gene_values(first.id, "GENE1").shape == (180,)
    assert {record.id for record in api.versions(second.id)} == {first.id, second.id}
    assert api.recipe_of(first.id) == (first, Recipe())


def test_a_step_that_is_opened_again_starts_from_the_parent(lung: DatasetRecord) -> None:
    assert api.recipe_of(lung.id) == (lung, Recipe())
    assert api.recipe_of(made(lung.id, HALF).id) == (lung, HALF)


@pytest.mark.parametrize(
    ("recipe", "ending"),
    [
        ({"gap_um": 50.0}, " (sections)"),
        ({"columns": {"sample": "batch_no"}, "cuts": HALF.cuts}, " (QC, sections)"),
        ({"regions": (Area(name="r", section="L", corners=((0, 0), (9, 0), (9, 9))),)}, " (region)"),
        ({"most_cells": 1500}, " (1,500 cells)"),
    ],
)
def test_names_say_what_was_done(recipe: dict[str, Any], ending: str, lung: DatasetRecord) -> None:
    index.put(lung.model_copy(update={"name": "L" * 80}))
    name = api.start_version(lung.id, Recipe(**recipe)).params["name"]
    assert len(name) == 80
    assert name.endswith("L" + ending)


def test_what_cannot_be_is_refused_before_any_job(lung: DatasetRecord) -> None:
    with pytest.raises(UserError, match="'ghost' is no column"):
        api.start_version(lung.id, Recipe(where={"ghost": ("1",)}))
    with pytest.raises(UserError, match="would change"):
        api.start_version(lung.id, Recipe())
    assert api.jobs() == []


def test_a_job_that_leaves_no_cell_says_why(lung: DatasetRecord) -> None:
    job = api.wait(api.start_version(lung.id, Recipe(cuts=(Cut(measure="counts", least=1e6),))).id)
    assert job.state is JobState.FAILED
    assert job.error is not None
    assert "No cell is left" in job.error["what"]
    assert [record.id for record in api.datasets()] == [lung.id]


def test_what_is_counted_is_what_is_made(lung: DatasetRecord) -> None:
    cuts = tuple(one.cut for one in api.suggested_cuts(lung.id) if one.cut) + (Cut(measure="area_um2", most=120.0),)
    counted = api.count_kept(lung.id, Recipe(cuts=cuts))
    version = made(lung.id, Recipe(cuts=cuts))
    assert 10 <= counted.n == version.n_cells < lung.n_cells
    kept_cells = api.dataset_obs(lung.id).index[counted.mask]
    assert list(api.dataset_obs(version.id).index) == list(kept_cells)


def test_a_study_goes_over_to_a_version_and_back(lung: DatasetRecord) -> None:
    atlas = make_reference({"a": 60, "b": 60, "c": 60})
    study = api.create_study("s", lung.id, atlas.id)
    version = made(lung.id, HALF)
    assert api.use_dataset(study.id, "tissue", version.id, "QC").tissue == version.id
    assert api.undo(study.id).tissue == lung.id


def test_sections_are_suggested_where_the_slide_is_empty() -> None:
    slide = make_tissue(section="slide")
    found = api.suggested_sections(slide.id)
    assert found.table.to_dict("list") == {"name": ["tissue 1", "tissue 2"], "cells": [120, 120]}
    assert found.said.startswith(f"These look like 2 tissues: at least {found.gap_um:.0f} µm of empty space")
    assert "No section falls into pieces" in api.suggested_sections(slide.id, 900.0).said


def test_a_region_has_its_size_and_a_place(lung: DatasetRecord) -> None:
    area = api.suggested_region(lung.id, 60)
    assert api.count_kept(lung.id, Recipe(regions=(area,))).n == pytest.approx(60, abs=2)
    with pytest.raises(UserError, match="no coordinates"):
        api.suggested_region(make_reference({"a": 60}).id, 20)


def test_columns_that_divide_the_cells(lung: DatasetRecord) -> None:
    found = api.groupings(lung.id)
    assert found.values["section"] == {"L": 120, "R": 120}
    assert found.too_many == {"batch_no": 240}
    assert {"counts", "area_um2", "x_um"}.isdisjoint(found.values)


def test_measures_are_those_that_are_known(lung: DatasetRecord) -> None:
    assert list(api.measures(lung.id)) == ["counts", "genes", "area_um2"]
    assert list(api.measures(make_reference({"a": 60}).id)) == ["counts", "genes"]
    assert np.isfinite(api.measures(lung.id).to_numpy()).all()
