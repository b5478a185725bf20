"""Sections drawn on the map: an area per piece of tissue, named and listed until they are used."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import streamlit as st

from backend import api
from backend.figures.palette import type_colours
from backend.records import Area, DatasetRecord, Recipe, StudyRecord
from pages.components import cached
from pages.components.words import count, plain
from pages.prepare.drawing import draw_on
from pages.prepare.versions.section_offer import offer

What = Literal["section", "sample", "patient", "condition"]
WHAT: tuple[What, ...] = ("section", "sample", "patient", "condition")


def draw(study: StudyRecord, base: DatasetRecord, now: Recipe) -> None:
    """The map to draw on, and the areas drawn so far."""
    slot = f"prepare.areas.{base.id}.{study.tissue}"
    saved = st.session_state.get(slot)
    areas = list(now.areas) if saved is None else [Area.model_validate(area) for area in saved]
    before = api.count_kept(base.id, Recipe(columns=now.columns)).section
    cells = cached.obs(base.id).assign(section=before)
    colours = type_colours(np.unique(before.astype(str)))
    on_map, beside = st.columns([3, 2])
    with on_map:
        # Another key after each area that is added or removed: the lasso is then gone, and only its outline stays.
        key = f"draw.{base.id}.{len(areas)}"
        new = draw_on(cells, before, colours, key, legend="section", shown=areas)
    with beside:
        what: What = st.segmented_control(
            "The areas are", list(WHAT), default=now.areas_are, required=True, key=f"areas are.{base.id}",
            format_func=lambda name: f"{name}s",
        )  # fmt: skip
        _add(slot, areas, new, cells)
        _listed(slot, areas, cells)
        recipe = now.model_copy(update={"areas": tuple(areas), "areas_are": what if areas else now.areas_are})
        offer(study, base, now, recipe, "Use these areas", preview=False)


def _add(slot: str, areas: list[Area], new: list[Area], cells: pd.DataFrame) -> None:
    for area in new:
        with st.container(border=True, horizontal=True, vertical_alignment="bottom"):
            label = f"New: {plain(_held(area, cells))}. Its name"
            name = st.text_input(label, area.name, max_chars=80, key=f"new.{len(areas)}.{area.name}")
            if st.button("Add", key=f"add.{area.name}", icon=":material/add:") and name.strip():
                _save(slot, [*areas, area.model_copy(update={"name": name.strip()})])
    if not areas and not new:
        st.info("No area yet. Several tissues on one slide, or the cores of an array, are drawn one by one.")


def _listed(slot: str, areas: list[Area], cells: pd.DataFrame) -> None:
    for place, area in enumerate(areas):
        with st.container(horizontal=True, vertical_alignment="center", key=f"area-{place}"):
            st.markdown(f"**{plain(area.name)}**: {plain(_held(area, cells))}", width="stretch")
            if st.button("Remove", key=f"remove.{place}", icon=":material/delete:", type="tertiary"):
                _save(slot, areas[:place] + areas[place + 1 :])


def _save(slot: str, areas: list[Area]) -> None:
    st.session_state[slot] = [area.model_dump(mode="json") for area in areas]
    st.rerun()


def _held(area: Area, cells: pd.DataFrame) -> str:
    own = (cells["section"] == area.section).to_numpy()
    inside = api.cells_inside(cells[["x_um", "y_um"]].to_numpy()[own], area.corners)
    return f"{count(int(inside.sum()), 'cell')} of {area.section}"
