"""Types, sections, samples, patients, conditions."""

from __future__ import annotations

import numpy as np

from tests.datasets.raws import codes, finding, look, make_raw, places


def test_a_type_column_is_found_by_name() -> None:
    diagnosis = look(make_raw(obs={"score": np.arange(120) / 7, "Cell_Type": ["B", "T", "NK"] * 40}))
    asked = finding(diagnosis, "type-column")
    assert asked.guess == "Cell_Type"
    assert "score" not in asked.options
    assert diagnosis.ready is not None
    assert list(diagnosis.ready.obs["type"][:3]) == ["B", "T", "NK"]
    assert diagnosis.ready.columns["type"] == "Cell_Type"


def test_measurements_and_identities_are_no_types() -> None:
    fractions = look(make_raw(obs={"cell_type": np.arange(120) / 7}))
    assert finding(fractions, "type-column").guess == ""
    many = look(make_raw(obs={"cell_type": [f"t{i}" for i in range(120)]}))
    assert finding(many, "type-column").guess == ""
    told = look(make_raw(obs={"area": np.arange(120) / 7}), type_column="area")
    assert codes(told, "refused") == {"type-column"}


def test_missing_types_are_called_unknown() -> None:
    diagnosis = look(make_raw(obs={"cell_type": ["B", None, "T"] * 40}))
    assert "type-missing" in codes(diagnosis, "noted")
    assert diagnosis.ready is not None
    assert set(diagnosis.ready.obs["type"]) == {"B", "T", "unknown"}


def test_none_may_be_said_although_one_was_guessed() -> None:
    diagnosis = look(make_raw(obs={"cell_type": ["B", "T", "NK"] * 40}), type_column="")
    assert diagnosis.ready is not None
    assert "type" not in diagnosis.ready.obs


def test_a_column_that_is_not_there_is_refused_with_the_columns() -> None:
    refused = finding(look(make_raw(obs={"region": ["a", "b"] * 60}), patient_column="donor"), "patient-column")
    assert refused.grade == "refused"
    assert "region" in refused.why


def test_one_section_unless_the_file_names_some() -> None:
    diagnosis = look(make_raw())
    assert diagnosis.ready is not None
    assert set(diagnosis.ready.obs["section"]) == {"section 1"}


def test_fields_of_view_that_tile_a_slide_are_no_sections() -> None:
    where = places()
    diagnosis = look(make_raw(obs={"fov": (where[:, 0] > 55).astype(int)}, where=where))
    assert finding(diagnosis, "section-column").guess == ""
    assert "fov" in finding(diagnosis, "section-column").why


def test_fields_of_view_with_coordinates_of_their_own_are_sections() -> None:
    where = np.concatenate([places(60, seed=1), places(60, seed=2)])
    diagnosis = look(make_raw(obs={"fov": np.repeat([1, 2], 60)}, where=where))
    assert finding(diagnosis, "section-column").guess == "fov"
    assert diagnosis.ready is not None
    assert set(diagnosis.ready.obs["section"]) == {"1", "2"}


def test_samples_never_share_a_section() -> None:
    by_sample = look(make_raw(obs={"sample": ["s1", "s2"] * 60}))
    assert by_sample.ready is not None
    assert set(by_sample.ready.obs["section"]) == {"s1", "s2"}
    both = look(make_raw(obs={"sample": ["s1"] * 60 + ["s2"] * 60, "section": ["1", "2"] * 60}))
    assert both.ready is not None
    assert set(both.ready.obs["section"]) == {"s1 / 1", "s1 / 2", "s2 / 1", "s2 / 2"}


def test_a_reference_has_no_section() -> None:
    diagnosis = look(make_raw(obs={"section": ["a", "b"] * 60, "donor": ["p", "q"] * 60}, where=False), "reference")
    assert diagnosis.ready is not None
    assert "section" in diagnosis.ready.obs or "file_section" in diagnosis.ready.obs
    assert set(diagnosis.ready.obs["patient"]) == {"p", "q"}
    assert "section" not in diagnosis.ready.columns


def test_names_go_before_clusters_and_inexact_names_between() -> None:
    obs = {"leiden": ["0", "1", "2"] * 40, "celltype_level2": ["B", "T", "NK"] * 40, "area": np.arange(120) / 7}
    assert finding(look(make_raw(obs=obs)), "type-column").guess == "celltype_level2"
    del obs["celltype_level2"]
    asked = finding(look(make_raw(obs=obs)), "type-column")
    assert asked.guess == "leiden"
    assert "numbers of clusters" in asked.why
