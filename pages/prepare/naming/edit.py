"""Names and colours by hand: rename, merge, recolour, split; and the names as a file."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from backend import api
from backend.records import DatasetRecord, StudyRecord
from pages.components import cached
from pages.components.words import plain
from pages.prepare.naming import waiting

_SWATCH = "data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg' width='40' height='20'><rect width='40' \
height='20' rx='4' fill='%23{}'/></svg>"


def show(study: StudyRecord, dataset_id: str, found: api.CellTypes) -> None:
    record = api.dataset(dataset_id)
    st.caption(
        "Type a new name beside the old one; two types of one name become one. A colour holds for the type everywhere "
        "in the study: write it as #rrggbb, or empty the box for the palette's own."
    )
    table = _table(study, found)
    columns: dict[str, Any] = {
        "swatch": st.column_config.ImageColumn("", width=50), "type": "Type",
        "cells": st.column_config.NumberColumn("Cells", format="localized"),
        "name": st.column_config.TextColumn("Name", max_chars=80),
        "colour": st.column_config.TextColumn("Colour", max_chars=7, validate="^(#[0-9a-fA-F]{6})?$"),
    }  # fmt: skip
    changed = st.data_editor(
        table, column_config=columns, disabled=["swatch", "type", "cells"], hide_index=True, width="stretch",
        key=f"edit.{dataset_id}.{study.types[dataset_id]}.{len(study.past)}",
    )  # fmt: skip
    splits = _split(record, table)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Apply", icon=":material/check:", key=f"apply.{dataset_id}"):
            _apply(study, dataset_id, table, changed, splits)
        st.download_button(
            "Names as CSV for Xenium Explorer",
            lambda: api.export_groups(study.id, dataset_id, cached.colours(study)),
            "cell_groups.csv",
            "text/csv",
            key=f"export.{dataset_id}",
            type="tertiary",
            icon=":material/download:",
            on_click="ignore",
        )


def _table(study: StudyRecord, found: api.CellTypes) -> pd.DataFrame:
    sizes = found.table["type"].astype(str).value_counts()
    colours = cached.colours(study)
    table = pd.DataFrame({"type": sizes.index.astype(str), "cells": sizes.to_numpy()})
    table["name"] = table["type"]
    table["colour"] = table["type"].map(lambda name: colours[name].lower())
    table.insert(0, "swatch", table["colour"].map(lambda colour: _SWATCH.format(colour[1:])))
    return table


def _split(record: DatasetRecord, table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The split that is asked for, or none."""
    with st.expander("Split a type"), st.grid(4, min_column_width=180):
        key = f"split.{record.id}"
        type_ = st.selectbox("Type", list(table["type"]), index=None, placeholder="none", key=f"{key}.type")
        by = st.selectbox("By", ["similar expression", "one gene"], key=f"{key}.by")
        if by == "one gene":
            genes = list(api.dataset_genes(record.id).index)
            gene = st.selectbox("Gene", genes, index=None, placeholder="choose one", key=f"{key}.gene")
            above = st.number_input("Above", value=0.0, key=f"{key}.above", help="In the file's own scale: counts > 0.")
            return {type_: {"by": "gene", "gene": gene or "", "above": above}} if type_ else {}
        resolution = st.slider("Resolution", 0.1, 5.0, 0.5, 0.1, key=f"{key}.resolution")
        return {type_: {"by": "leiden", "resolution": resolution}} if type_ else {}


def _apply(
    study: StudyRecord, dataset_id: str, table: pd.DataFrame, changed: pd.DataFrame, splits: dict[str, dict[str, Any]]
) -> None:
    names = changed["name"].fillna("").astype(str).str.strip()
    renames = {old: new for old, new in zip(table["type"], names) if new != old}
    given = changed["colour"].fillna("").astype(str).str.strip().str.lower()
    differ = (given != table["colour"]).to_numpy()
    colours = {name: colour or None for name, colour in zip(names[differ], given[differ])}
    job = api.edit_types(study.id, dataset_id, renames, splits) if renames or splits else None
    if colours:
        api.set_colours(study.id, colours)
    if job:
        waiting.start(study, job)
    if colours:
        st.toast(f"Recoloured: {plain(', '.join(colours))}", icon=":material/palette:")
        st.rerun()
    st.info("Nothing was changed: every type keeps its name and colour.", icon=":material/info:")
