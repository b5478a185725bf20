"""Sections: which cells belong to one piece of tissue, and whom each piece comes from."""

from __future__ import annotations

from typing import Any, Literal

import streamlit as st

from backend import api
from backend.records import DatasetRecord, Recipe, StudyRecord
from pages.components import session
from pages.components.choice import segments
from pages.components.problems import shown
from pages.components.words import plain
from pages.prepare.versions import making
from pages.prepare.versions.section_areas import draw
from pages.prepare.versions.section_offer import offer

HOW = {"read": "Read from columns", "draw": "Draw on the map", "gaps": "Cut at gaps"}
WHAT: tuple[Literal["section", "sample", "patient", "condition"], ...] = ("section", "sample", "patient", "condition")


def show(study: StudyRecord) -> None:
    st.markdown(
        "Cells of different sections are never neighbours. Sections, samples, patients and conditions are read from "
        "columns of the file, drawn on the map, or cut where the slide is empty."
    )
    making.follow(study)
    base, now = api.recipe_of(study.tissue)
    how = session.one_of("how", list(HOW), "read") or "read"
    found = api.suggested_sections(base.id)
    if how != "gaps" and found.several and not now.gap_um and not now.areas:
        st.info(plain(f"{found.said} See “{HOW['gaps']}”."), icon=":material/lightbulb:")
    segments("How", HOW, "how", how, label_visibility="collapsed")
    with shown():
        {"read": _read, "draw": draw, "gaps": _gaps}[how](study, base, now)
    making.family(study, "tissue", study.tissue)


def _read(study: StudyRecord, base: DatasetRecord, now: Recipe) -> None:
    known = api.groupings(base.id)
    chosen: dict[Any, str] = {}
    with st.grid(4, min_column_width=220):
        for name in WHAT:
            options = {_told(known, name, column): column for column in ("", *known.values) if column != name}
            column = now.columns.get(name, "")  # the command line may have named the section's own
            had = list(options.values()).index(column if column in options.values() else "")
            told = st.selectbox(f"{name.capitalize()}s are in", list(options), had, key=f"column.{base.id}.{name}")
            if options[told]:
                chosen[name] = options[told]
    if known.too_many:
        listed = ", ".join(f"{name} ({number:,})" for name, number in known.too_many.items())
        st.caption(plain(f"Not offered: a name that many cells share has at most 200 values. {listed}."))
    offer(study, base, now, now.model_copy(update={"columns": {**_type_only(now), **chosen}}), "Use these names")


def _type_only(now: Recipe) -> dict[Any, str]:
    return {name: column for name, column in now.columns.items() if name == "type"}


def _told(known: api.Groupings, name: str, column: str) -> str:
    values = known.values.get(column or name)
    if values is None:
        return "nothing says"
    listed = ", ".join(list(values)[:3]) + (", …" if len(values) > 3 else "")
    if column:
        return f"{column}: {len(values)} ({listed})"
    return f"as now: {len(values)} ({listed})"


def _gaps(study: StudyRecord, base: DatasetRecord, now: Recipe) -> None:
    without = now.model_copy(update={"gap_um": None})
    usual = api.suggested_sections(base.id).gap_um
    start = float(now.gap_um or usual)
    label = "Empty space between two tissues, at least (µm)"
    gap = st.slider(label, min(20.0, start), max(1000.0, 2 * start), start, 10.0, key=f"gap.{base.id}", format="%.0f")
    st.markdown(plain(api.suggested_sections(base.id, gap).said))
    offer(study, base, now, without.model_copy(update={"gap_um": gap}), "Cut at these gaps")
    if now.gap_um and st.button("Do not cut at gaps", type="tertiary", icon=":material/link:"):
        making.make(study, "tissue", base, without)
