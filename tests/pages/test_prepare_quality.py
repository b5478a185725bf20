"""Quality and sections: the live count, what is refused, what is made, and that nothing is lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from backend import api
from backend.datasets.versions.kept import Kept
from backend.figures.points import Places
from backend.records import Area, Cut, Recipe, StudyRecord
from pages.prepare.drawing import area_of, on_map
from pages.prepare.qc import _why_not
from tests.datasets.versions.small import reference, tissue
from tests.pages.conftest import Open


@pytest.fixture
def lung() -> StudyRecord:
    """Two sections of 120 cells, of which 12 are far too large."""
    made = tissue(area_um2=np.where(np.arange(240) < 12, 900, 80 + np.arange(240) % 20), mouse=["m1", "m2"] * 120)
    return api.create_study("Lung *study*", made.id, reference({"a": 60, "b": 60, "c": 60}).id)


def open_(open_page: Open, view: str, **link: str) -> AppTest:
    app = open_page("preparation", view=view, **link)
    assert not app.exception, app.exception
    return app


def button(app: AppTest, label: str) -> Any:
    return next(one for one in app.button if one.label == label)


def slider(app: AppTest, place: int) -> Any:
    return app.select_slider[place]


def stop(app: AppTest, place: int, at_least: float) -> float:
    """The first stop of a slider from there on."""
    return next(value for text in slider(app, place).options if (value := float(text.replace(",", ""))) >= at_least)


def cut(app: AppTest, place: int, at_least: float) -> float:
    """Move a slider's lower end; returns where it stands."""
    least = stop(app, place, at_least)
    slider(app, place).set_range(least, slider(app, place).value[1]).run()
    assert not app.exception, app.exception
    return least


def finish(app: AppTest) -> None:
    """Wait for the job of the page, and see what the page makes of it."""
    told = app.query_params["job"]
    api.wait(told if isinstance(told, str) else told[0])
    app.run()
    assert not app.exception, app.exception


def test_a_slider_says_how_many_are_kept(open_page: Open, lung: StudyRecord) -> None:
    app = open_(open_page, "qc")
    assert app.metric[0].value == "240 of 240 (100.0%)"
    assert button(app, "Keep these cells").disabled
    least = cut(app, 0, 60)
    expected = api.count_kept(lung.tissue, Recipe(cuts=(Cut(measure="counts", least=least),)))
    assert 0 < expected.n < 240
    assert app.metric[0].value.startswith(f"{expected.n} of 240")
    per_section = next(frame.value for frame in app.dataframe if "section" in frame.value)
    assert per_section["kept"].tolist() == expected.sections["kept"].tolist()
    assert not button(app, "Keep these cells").disabled


def test_zero_cells_cannot_be_kept_and_the_page_says_why(open_page: Open, lung: StudyRecord) -> None:
    app = open_(open_page, "qc")
    bottom = slider(app, 0).value[0]
    slider(app, 0).set_range(bottom, bottom).run()
    assert app.metric[0].value == "0 of 240 (0.0%)"
    assert button(app, "Keep these cells").disabled
    assert any("most are dropped by" in told.value for told in app.warning)
    assert api.study(lung.id) == lung
    assert api.jobs() == [] or all(job.kind == "annotate" for job in api.jobs())


def test_kept_cells_become_the_studys_tissue_and_can_be_taken_back(open_page: Open, lung: StudyRecord) -> None:
    app = open_(open_page, "qc")
    least = cut(app, 0, 60)
    button(app, "Keep these cells").click().run()
    assert api.study(lung.id).tissue == lung.tissue  # until it is made
    finish(app)
    changed = api.study(lung.id)
    made = api.dataset(changed.tissue)
    assert made.parent == lung.tissue
    assert changed.past[-1].did == f"QC of the tissue: {made.n_cells:,} of 240 cells kept"
    assert "job" not in app.query_params
    # opened again it starts from the parent, as it was left
    assert slider(app, 0).value[0] == least
    assert app.metric[0].value.startswith(f"{made.n_cells} of 240")
    assert button(app, "Keep these cells").disabled
    button(app, "Undo").click().run()
    assert api.study(lung.id).tissue == lung.tissue
    assert app.metric[0].value.startswith("240 of 240")


def test_a_link_to_a_version_changes_no_study(open_page: Open, lung: StudyRecord) -> None:
    job = api.start_version(lung.tissue, Recipe(cuts=(Cut(measure="counts", least=60),)))
    api.wait(job.id)
    app = open_(open_page, "qc", job=job.id)
    assert api.study(lung.id).tissue == lung.tissue
    app.button(key="use made").click().run()
    assert api.study(lung.id).tissue == api.job(job.id).result["dataset"]


def test_an_older_version_is_within_reach(open_page: Open, lung: StudyRecord) -> None:
    job = api.wait(api.start_version(lung.tissue, Recipe(cuts=(Cut(measure="counts", least=60),))).id)
    api.use_dataset(lung.id, "tissue", job.result["dataset"])
    app = open_(open_page, "qc")
    app.button(key=f"use {lung.tissue}").click().run()
    assert api.study(lung.id).tissue == lung.tissue


def test_suggestions_are_taken_at_once_and_given_up_again(open_page: Open, lung: StudyRecord) -> None:
    app = open_(open_page, "qc")
    suggested = {one.measure: one.cut for one in api.suggested_cuts(lung.tissue) if one.cut}
    assert "area_um2" in suggested
    button(app, "Take the suggested cut-offs").click().run()
    assert not app.exception, app.exception
    expected = api.count_kept(lung.tissue, Recipe(cuts=tuple(suggested.values()))).n
    assert expected <= 228
    assert app.metric[0].value.startswith(f"{expected} of 240")
    button(app, "Keep all").click().run()
    assert app.metric[0].value.startswith("240 of 240")


def test_rows_are_kept_by_their_values(open_page: Open, lung: StudyRecord) -> None:
    app = open_(open_page, "qc")
    next(box for box in app.multiselect if box.label == "Keep only rows where").set_value(["mouse"]).run()
    next(box for box in app.multiselect if box.label == "mouse is").set_value(["m2 (120)"]).run()
    assert app.metric[0].value.startswith("120 of 240")
    assert any("batch" in caption.value and "240" in caption.value for caption in app.caption)  # too many values


def test_the_atlas_has_its_own_cuts(open_page: Open, lung: StudyRecord) -> None:
    app = open_(open_page, "qc", part="atlas")
    assert app.metric[0].value.startswith("180 of 180")
    cut(app, 0, 60)
    button(app, "Keep these cells").click().run()
    finish(app)
    changed = api.study(lung.id)
    assert changed.tissue == lung.tissue
    assert api.dataset(changed.reference).parent == lung.reference
    assert changed.past[-1].did.startswith("QC of the atlas")


def test_patients_are_read_from_a_column(open_page: Open, lung: StudyRecord) -> None:
    app = open_(open_page, "sections")
    assert button(app, "Use these names").disabled
    box = next(box for box in app.selectbox if box.label == "Patients are in")
    assert not any("batch_no" in option for option in box.options)
    box.set_value(next(option for option in box.options if option.startswith("mouse"))).run()
    button(app, "Use these names").click().run()
    finish(app)
    made = api.dataset(api.study(lung.id).tissue)
    assert made.columns["patient"] == "mouse"
    assert set(api.dataset_obs(made.id)["patient"]) == {"m1", "m2"}


def test_gaps_are_cut_after_a_look(open_page: Open) -> None:
    slide = tissue(section="slide")
    study = api.create_study("slide", slide.id, reference({"a": 60, "b": 60}).id)
    app = open_(open_page, "sections", how="gaps")
    assert any("These look like 2 tissues" in text.value for text in app.markdown)
    button(app, "Cut at these gaps").click().run()
    finish(app)
    assert api.dataset(api.study(study.id).tissue).sections == ("tissue 1", "tissue 2")
    button(app, "Do not cut at gaps").click().run()
    assert api.study(study.id).tissue == slide.id


def test_quality_and_sections_go_into_one_version(open_page: Open, lung: StudyRecord) -> None:
    app = open_(open_page, "qc")
    cut(app, 0, 60)
    button(app, "Keep these cells").click().run()
    finish(app)
    recipe = api.dataset(api.study(lung.id).tissue).recipe
    app = open_(open_page, "sections")
    box = next(box for box in app.selectbox if box.label == "Patients are in")
    box.set_value(next(option for option in box.options if option.startswith("mouse"))).run()
    button(app, "Use these names").click().run()
    finish(app)
    made = api.dataset(api.study(lung.id).tissue)
    assert recipe is not None
    assert made.parent == lung.tissue
    assert made.recipe == recipe.model_copy(update={"columns": {"patient": "mouse"}})


def test_what_is_drawn_on_the_map_lies_where_the_section_was_measured(lung: StudyRecord) -> None:
    """On the map R stands beside L, in the file it is 600 um away."""
    obs = api.dataset_obs(lung.tissue)
    places = Places(obs["x_um"], obs["y_um"], obs["section"])
    right = places.xy[120:]
    (x0, y0), (x1, y1) = right.min(axis=0) - 1, right.mean(axis=0)
    corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=float)
    area = area_of(corners, obs, places, "area 1")
    assert isinstance(area, Area)
    assert area.section == "R"
    assert min(x for x, _ in area.corners) > 590
    found = api.count_kept(lung.tissue, Recipe(areas=(area,)))
    inside = ((places.xy >= (x0, y0)) & (places.xy <= (x1, y1))).all(axis=1)
    np.testing.assert_array_equal(found.section == "area 1", inside)
    np.testing.assert_allclose(on_map(area, obs, places), corners, atol=1e-3)


def test_a_lasso_across_two_sections_is_refused_with_both_counts(lung: StudyRecord) -> None:
    obs = api.dataset_obs(lung.tissue)
    places = Places(obs["x_um"], obs["y_um"], obs["section"])
    everything = np.array([(-99, -99), (9999, -99), (9999, 9999), (-99, 9999)], dtype=float)
    said = area_of(everything, obs, places, "area 1")
    assert said == (
        "The area lies across 2 sections: 120 cells of L and 120 cells of R. Draw one in each. Nothing was changed."
    )
    assert "holds no cell" in str(area_of(everything + 20_000, obs, places, "area 1"))


def test_areas_are_listed_until_they_are_used(open_page: Open, lung: StudyRecord) -> None:
    core = Area(name="*core*", section="L", corners=((-5, -5), (45, -5), (45, 200), (-5, 200)))
    app = open_(open_page, "sections", how="draw")
    app.session_state[f"prepare.areas.{lung.tissue}.{lung.tissue}"] = [core.model_dump(mode="json")]
    app.run()
    assert any("\\*core\\*" in text.value and "cells of L" in text.value for text in app.markdown)
    app.button(key="remove.0").click().run()
    assert app.session_state[f"prepare.areas.{lung.tissue}.{lung.tissue}"] == []
    app.session_state[f"prepare.areas.{lung.tissue}.{lung.tissue}"] = [core.model_dump(mode="json")]
    app.run()
    button(app, "Use these areas").click().run()
    finish(app)
    assert api.dataset(api.study(lung.id).tissue).sections == ("*core*", "L", "R")
    assert api.study(lung.id).past[-1].did == "Sections of the tissue: 3 (*core*, L, R)"


def test_a_version_comes_into_use_in_whatever_view_one_is(open_page: Open, lung: StudyRecord) -> None:
    """Also where the other half of the page is looked at, whose cells it does not hold."""
    app = open_(open_page, "qc", part="atlas")
    cut(app, 0, 60)
    button(app, "Keep these cells").click().run()
    told = app.query_params["job"]
    api.wait(told if isinstance(told, str) else told[0])
    app.query_params["part"] = "tissue"
    app.run()
    assert not app.exception
    assert not app.error
    changed = api.study(lung.id)
    assert (changed.tissue, changed.past[-1].did.partition(":")[0]) == (lung.tissue, "QC of the atlas")


@pytest.mark.parametrize("view", ["names", "atlas", "quick", "sections"])
def test_who_looks_elsewhere_meanwhile_does_not_lose_a_version(open_page: Open, lung: StudyRecord, view: str) -> None:
    app = open_(open_page, "qc")
    cut(app, 0, 60)
    button(app, "Keep these cells").click().run()
    app.query_params["view"] = view
    app.run()
    assert not [told.value for told in app.warning if "of this link" in told.value]
    finish(app)
    changed = api.study(lung.id)
    assert changed.past[-1].did.startswith("QC of the tissue: ")
    assert api.dataset(changed.tissue).parent == lung.tissue


def test_a_version_does_not_replace_what_another_window_took_meanwhile(open_page: Open, lung: StudyRecord) -> None:
    app = open_(open_page, "qc")
    cut(app, 0, 60)
    button(app, "Keep these cells").click().run()
    elsewhere = api.wait(api.start_version(lung.tissue, Recipe(columns={"patient": "mouse"})).id)
    taken = api.use_dataset(lung.id, "tissue", elsewhere.result["dataset"])
    finish(app)
    assert api.study(lung.id).tissue == taken.tissue
    app.button(key="use made").click().run()
    assert api.study(lung.id).tissue != taken.tissue


def test_a_link_to_the_version_of_other_data_changes_nothing(open_page: Open, lung: StudyRecord) -> None:
    other = reference({"a": 40, "z": 40})
    job = api.wait(api.start_version(other.id, Recipe(most_cells=50)).id)
    assert job.result, job.error
    app = open_(open_page, "qc", job=job.id)
    assert "job" not in app.query_params
    assert any("other data" in told.value for told in app.warning)


@pytest.mark.parametrize(
    "recipe", [Recipe(columns={"section": "section"}), Recipe(gap_um=5.0)], ids=["its own column", "a narrow gap"]
)
@pytest.mark.parametrize("how", ["read", "gaps"])
def test_what_the_command_line_made_can_be_opened(open_page: Open, lung: StudyRecord, recipe: Recipe, how: str) -> None:
    job = api.wait(api.start_version(lung.tissue, recipe).id)
    api.use_dataset(lung.id, "tissue", job.result["dataset"])
    open_(open_page, "sections", how=how)


def test_a_tissue_too_small_to_leave_cells_out_is_told_so() -> None:
    nothing = Kept(np.full(3, -1, dtype=np.int16), {})
    assert _why_not(nothing, False).startswith("There are 3 cells: too few")


def test_undo_in_an_older_window_takes_back_nothing_that_it_does_not_show(open_page: Open, lung: StudyRecord) -> None:
    api.set_colours(lung.id, {"a": "#112233"})
    api.set_colours(lung.id, {"b": "#445566"})
    first, second = open_(open_page, "qc"), open_(open_page, "qc")
    button(first, "Undo").click().run()
    button(second, "Undo").click().run()
    assert not second.exception
    assert api.study(lung.id).colours == {"a": "#112233"}
    button(second, "Undo").click().run()
    assert api.study(lung.id).colours == {}
