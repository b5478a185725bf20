"""Data sets: the list, a preview of one, and what can be done with it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from backend import api
from backend.figures import embeddings, maps
from backend.figures.palette import type_colours
from backend.figures.points import Measure, Places
from backend.records import DatasetRecord, StudyRecord
from pages.components import cached, session
from pages.components.figure_card import figure_card, theme
from pages.components.problems import shown
from pages.components.words import plain, when
from pages.data.findings import list_findings

SCALES = {"counts": "counts", "log": "log values", "normalised": "normalised values"}


def show(study: StudyRecord | None) -> None:
    archived = bool(st.session_state.get("archived"))  # its toggle stands beside the list
    records = {record.id: record for record in api.datasets(archived=archived)}
    if not records:
        st.info("No data set yet. Add a tissue and a reference, or open the simulated study from Home.")
        if api.datasets(archived=True):
            st.toggle("Show archived", key="archived")
        return
    here = [key for key in (study.tissue, study.reference) if key in records] if study else []
    chosen = session.one_of("dataset", list(records), here[0] if here else None)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Data set", list(records), format_func=lambda key: _label(records[key]), **session.bound("dataset", chosen)
        )
        st.toggle("Show archived", key="archived")
    if chosen:
        _one(records[chosen], study)


def _label(record: DatasetRecord) -> str:
    return f"{record.name} ({record.role}{', archived' if record.archived else ''})"


def _one(record: DatasetRecord, study: StudyRecord | None) -> None:
    obs = cached.obs(record.id)
    unit = "Spots" if record.spots else "Cells"
    with st.grid(4, min_column_width=140):
        for name, value in (
            (unit, f"{record.n_cells:,}"),
            ("Genes", f"{record.n_genes:,}"),
            ("Median genes per cell", f"{np.median(obs['genes']):,.0f}"),
            ("Cell types", f"{obs['type'].nunique():,}" if record.has_types else "none named"),
        ):
            st.metric(name, value, border=True)
    said = (record.species, f"{SCALES[record.scale]} read from {record.counts_from}", record.source)
    st.caption(plain(f"{', '.join(said)}, added {when(record.created)}{', simulated' if record.simulated else ''}"))
    _actions(record)
    _figure(record, obs, study)
    if record.findings:
        with st.expander("What the doctor said"):
            list_findings([finding for finding in record.findings if finding.grade != "asked"])


def _figure(record: DatasetRecord, obs: pd.DataFrame, study: StudyRecord | None) -> None:
    # The study's types and colours, so that a type looks the same on every page.
    mine = study if study and record.id in (study.tissue, study.reference, study.validation) else None
    found = cached.types(mine, record.id) if mine else None
    table = found.table if found else obs
    known = len(table) == len(obs) and "type" in table
    types = table["type"].astype(str).to_numpy() if known else np.full(len(obs), "all cells")
    words = {"type": "Cell type", "counts": "Counts per cell", "genes": "Genes per cell"}
    by = st.segmented_control(
        "Colour by", list(words), default="type", format_func=words.__getitem__, required=True, key="by"
    )
    by = by or "type"
    title = words[by]
    caption = f"{record.name}: {record.n_cells:,} {'spots' if record.spots else 'cells'}."
    caption += f" {found.source}" if found and by == "type" else ""
    colours = cached.colours(mine) if mine and known else type_colours(types)
    if record.role == "reference":
        x, y = obs["umap_1"], obs["umap_2"]
        if by == "type":
            figure = embeddings.embed_types(x, y, types, colours, title, theme())
        else:
            figure = embeddings.embed_values(x, y, Measure(obs[by], words[by]), title, theme())
        read = "Each point is a cell; cells with similar expression lie near each other."
        fool = "Distances between far groups, and sizes of groups, mean little in a UMAP."
    else:
        places = Places(obs["x_um"], obs["y_um"], obs["section"])
        if by == "type":
            figure = maps.map_types(places, types, colours, title, theme())
        else:
            figure = maps.map_values(places, Measure(obs[by], words[by]), title, theme())
        read = "Each point stands where the cell was. The bar gives the scale; sections stand side by side."
        fool = "The place of one section beside another is drawn, not measured."
    columns = [c for c in ("type", "section", "counts", "genes", "x_um", "y_um", "umap_1", "umap_2") if c in obs]
    figure_card(figure, f"data-{by}", caption, read=read, fool=fool, table=obs[columns].reset_index())
    _by_type(record, obs, types)


def _by_type(record: DatasetRecord, obs: pd.DataFrame, types: np.ndarray) -> None:
    grouped = obs.groupby(types, observed=True)
    table = grouped.agg(cells=("counts", "size"), counts=("counts", "median"), genes=("genes", "median"))
    table = table.sort_values("cells", ascending=False).rename_axis("type").reset_index()
    st.dataframe(
        table,
        hide_index=True,
        column_config={
            "type": "Cell type",
            "cells": st.column_config.ProgressColumn("Cells", format="localized", max_value=int(table["cells"].max())),
            "counts": st.column_config.NumberColumn("Median counts", format="localized"),
            "genes": st.column_config.NumberColumn("Median genes", format="localized"),
        },
    )


def _actions(record: DatasetRecord) -> None:
    with st.container(horizontal=True):
        if st.button("Use it in a study", icon=":material/arrow_forward:", key=f"use.{record.id}"):
            session.put("view", "studies")
            st.rerun()
        with st.popover("Rename", icon=":material/edit:", type="tertiary"):
            name = st.text_input("New name", record.name, max_chars=80, key=f"rename.{record.id}")
            if st.button("Save", key=f"save.{record.id}"):
                with shown():
                    api.rename_dataset(record.id, name)
                    st.rerun()
        label, icon = ("Bring back", ":material/unarchive:") if record.archived else ("Archive", ":material/archive:")
        if st.button(label, icon=icon, type="tertiary", key=f"archive.{record.id}"):
            api.archive_dataset(record.id, not record.archived)
            st.rerun()
        with st.popover("Delete", icon=":material/delete:", type="tertiary"):
            st.markdown("For good, with everything that was computed from it alone.")
            if st.button("Delete it", type="primary", key=f"delete.{record.id}"):
                with shown():
                    api.delete_dataset(record.id)
                    session.put("dataset", None)
                    st.rerun()
