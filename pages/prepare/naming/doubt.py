"""How far names that were transferred can be trusted, and which groups of cells the atlas does not know."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from backend import api
from backend.figures.prepare.confusion import confusion
from backend.figures.prepare.doubt import calibration
from backend.records import StudyRecord
from pages.components import cached
from pages.components.figure_card import figure_card
from pages.prepare.naming import waiting

READ_CURVE = """Cells of the atlas were held out, made as shallow as the tissue's (those of a small atlas several times
each), and named like them. Each dot holds draws of about one probability: it stands at the share of them that was named
rightly. On the dotted line a probability of 0.8 is right 8 times in 10."""
FOOL_CURVE = """It is measured on the atlas, before it is asked whether the atlas has the type at all. Your tissue
differs from it in more than depth (segmentation, other donors, types that the atlas lacks), so the true error is
larger."""
READ_TABLE = """A row per true type of the held-out atlas cells, with their number; a column per name they were given.
The diagonal is right. A light square beside it: these two types are taken for each other."""
FOOL_TABLE = """Rare types have few held-out cells, so their row is rough. Types that only differ in genes your panel
lacks cannot be told apart here, however good the atlas."""


def has(naming: api.Naming) -> bool:
    return "confusion" in naming.tables or bool({"calibration", "no_counterpart"} & naming.facts.keys())


def show(study: StudyRecord, dataset_id: str, naming: api.Naming) -> None:
    _unknown(study, dataset_id, naming)
    _held_out(naming)


def _held_out(naming: api.Naming) -> None:
    facts, table = naming.facts, naming.tables.get("confusion")
    told = facts.get("calibration") or {}
    if not told and table is None:
        return
    st.subheader("Tried on cells whose type is known", anchor=False)
    held_out = "Of held-out atlas cells, made as shallow as your tissue's."
    with st.grid(3, min_column_width=160):
        if facts.get("held_out_accuracy") is not None:
            st.metric("Rightly named", f"{facts['held_out_accuracy']:.0%}", border=True, help=held_out)
        if facts.get("held_out_macro_f1") is not None:
            st.metric("Macro F1", f"{facts['held_out_macro_f1']:.2f}", border=True, help=held_out)
        if told.get("ece") is not None:  # None: every type has too few cells to hold any out
            error = "Mean distance of the probability and the share that is right; 0 is perfect."
            st.metric("Calibration error", f"{told['ece']:.3f}", border=True, help=error)
    made = (
        f"draws of held-out atlas cells, at the tissue's depth; seed {naming.job.params.get('seed', 0)}. Predictions."
    )
    if told.get("ece") is not None and told.get("bins"):
        draw = partial(calibration, told["bins"], told["ece"], "Is a probability of 0.8 right 8 times in 10?")
        drawn = pd.DataFrame(told["bins"], columns=["probability", "right", "cells"])
        figure_card(draw, "calibration", f"{told['n']:,} {made}", read=READ_CURVE, fool=FOOL_CURVE, table=drawn)
    if table is not None and len(table):
        draw_table = partial(confusion, table, "Which type is taken for which")
        caption = f"{int(table['n'].sum()):,} {made}"
        figure_card(draw_table, "confusion", caption, read=READ_TABLE, fool=FOOL_TABLE, table=table, least_px=560)


def _unknown(study: StudyRecord, dataset_id: str, naming: api.Naming) -> None:
    """Groups of cells that the atlas has no counterpart for, each with a name to give it."""
    groups = naming.facts.get("no_counterpart")
    if groups is None:
        return
    st.subheader("Cells that the atlas does not know", anchor=False)
    if not groups:
        st.markdown("None was found: every group of cells has a counterpart in the atlas.")
        return
    told = pd.DataFrame(groups)
    cells = int(told["cells"].sum())
    st.markdown(
        f"{len(told)} group{'' if len(told) == 1 else 's'}, {cells:,} cells: no type of the atlas explains what sets "
        "them apart from the tissue's other cells. Their markers may tell you what they are: type a name, it is "
        "theirs. The *Atlas* view asks another question, of whole types and their profiles; where the two differ, go "
        "by the markers."
    )
    markers = pd.Series([", ".join(row.get("markers", ())) for row in groups])
    columns: dict[str, Any] = {
        "group": "Group", "name": st.column_config.TextColumn("Name", max_chars=80),
        "cells": st.column_config.NumberColumn("Cells", format="localized"), "markers": "Expressed more than elsewhere",
        "nearest": "Nearest type", "distance": st.column_config.NumberColumn("Distance", format="%.2f"),
        "limit": st.column_config.NumberColumn("Limit", format="%.2f", help="Distance: what the nearest type "
        "leaves unexplained of what sets the group apart; above the limit it has no counterpart."),
        "median_probability": st.column_config.NumberColumn("Median probability", format="%.2f"),
    }  # fmt: skip
    given = pd.Series([_name(study, dataset_id, str(group)) for group in told["group"]])
    table = told.assign(markers=markers, name=given).reindex(
        columns=[name for name in columns if name in (*told, "name")]
    )
    key = f"unknown.{naming.job.id}"
    changed = st.data_editor(
        table, column_config=columns, disabled=[str(name) for name in table if name != "name"], hide_index=True,
        width="stretch", key=key,
    )  # fmt: skip
    named = changed["name"].fillna("").astype(str).str.strip()
    new = (named != "") & (named != given)
    if st.button("Name these groups", icon=":material/label:", key=f"{key}.go", disabled=not new.any()):
        groups_named = dict(zip(changed.loc[new, "group"].astype(str), named[new]))
        waiting.start(study, api.edit_types(study.id, dataset_id, {}, groups=groups_named))


def _name(study: StudyRecord, dataset_id: str, group: str) -> str:
    """The name that all cells of a group have; "" where they have several, or none."""
    table = cached.types(study, dataset_id).table
    if "group" not in table:
        return ""
    names = table.loc[table["group"].astype(str) == group, "type"].astype(str).unique()
    return str(names[0]) if len(names) == 1 and names[0] != api.UNSURE else ""
