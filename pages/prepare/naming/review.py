"""What marker lists suggest: a dot plot, and a name per group that can be changed before it is used."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from backend import api
from backend.figures.prepare.dots import dot_plot
from backend.records import JobStatus
from pages.components.figure_card import figure_card
from pages.components.words import plain

READ = """A row per group of similar cells, a column per marker gene, under the type that it marks. A larger dot: more
of the group's cells express the gene. A lighter colour: more of it, compared with the group that has most. A group of
one type has large, light dots under that type alone."""
FOOL = """A gene that every cell expresses a little has large dots everywhere. Cells that touch share transcripts after
segmentation, so markers of a neighbour show weakly. A type without a good marker on the panel loses to its relatives,
and a group may hold two types: then raise the resolution."""


def show(job: JobStatus) -> dict[str, str] | None:
    """None until the button is pressed; then the groups whose name was changed -> that name."""
    naming = api.read_naming(job.id)
    if naming is None:
        return None
    told = pd.DataFrame(naming.facts["suggestions"])
    clear = int((told["suggestion"] != api.UNSURE).sum())
    st.subheader("What the marker lists suggest", anchor=False)
    st.markdown(
        f"{clear} of {len(told)} groups score clearly best for one list. Look at the dots, change what you know "
        "better, then use the names."
    )
    dots, cells = naming.tables["dots"], int(told["cells"].sum())
    named = {row.group: f"{row.group}: {row.suggestion}" for row in told.itertuples()}
    drawn = dots.assign(cluster=dots["cluster"].map(named))
    draw = partial(dot_plot, drawn, list(named.values()), "Your marker genes in groups of similar cells")
    resolution = job.params.get("resolution", 1)
    caption = (
        f"{cells:,} cells in {len(told)} groups (Leiden, resolution {resolution:g}, seed {job.params.get('seed', 0)}); "
        "log-normalised expression, as measured. The suggested names are predictions from these genes."
    )
    figure_card(draw, "dots", caption, read=READ, fool=FOOL, table=dots, least_px=820)
    return _names(job, told)


def _names(job: JobStatus, told: pd.DataFrame) -> dict[str, str] | None:
    columns: dict[str, Any] = {
        "group": "Group", "cells": st.column_config.NumberColumn("Cells", format="localized"),
        "name": st.column_config.TextColumn("Name", max_chars=80, required=True, help="Type another name here."),
        "best": "Best list", "score": st.column_config.NumberColumn("Score", format="%.2f", help="Mean score of the "
        "group's cells, in spreads over groups."), "second": "Second", "margin": st.column_config.NumberColumn(
        "Ahead by", format="%.2f", help="Best minus second score; below 0.5 the group is unsure."),
    }  # fmt: skip
    table = told.assign(name=told["suggestion"])[list(columns)]
    fixed = [name for name in columns if name != "name"]
    changed = st.data_editor(
        table, column_config=columns, disabled=fixed, hide_index=True, width="stretch", key=f"suggested.{job.id}"
    )
    if not st.button("Use these names", type="primary", icon=":material/check:", key=f"names.{job.id}"):
        return None
    differ = changed["name"].fillna("").astype(str).str.strip() != told["suggestion"]
    return dict(zip(changed.loc[differ, "group"], changed.loc[differ, "name"].fillna("").astype(str)))


def problems(text: str, dataset_id: str) -> bool:
    """Say what is wrong with pasted lists; True where they can be scored."""
    found = api.check_markers(text, dataset_id)
    if found.faults:
        st.error("\n".join(f"- {plain(fault)}" for fault in found.faults), icon=":material/error:")
    else:
        genes = sum(map(len, found.lists.values()))
        st.success(f"{len(found.lists)} lists with {genes} genes of this panel.", icon=":material/check:")
    if found.notes:
        st.warning("\n".join(f"- {plain(note)}" for note in found.notes[:20]), icon=":material/info:")
    return not found.faults
