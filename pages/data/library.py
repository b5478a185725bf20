"""Data sets: the list, and what can be done with each."""

from __future__ import annotations

import numpy as np
import streamlit as st

from backend import api
from backend.records import DatasetRecord, StudyRecord
from pages.components import cached, session
from pages.components.choice import select
from pages.components.problems import shown
from pages.components.words import plain, when
from pages.data import preview
from pages.data.findings import list_findings

SCALES = {"counts": "counts", "log": "log values", "normalised": "normalised values"}


def show(study: StudyRecord | None) -> None:
    archived = bool(st.session_state.get("archived"))  # its toggle stands beside the list
    records = {record.id: record for record in api.datasets(archived=archived)}
    if not records:
        st.info("No data set yet. Add a tissue and a reference, or open the simulated study from Home.")
        if st.button("Add data", type="primary", icon=":material/add:"):
            session.put("view", "add")
            st.rerun()
        if api.datasets(archived=True):
            st.toggle("Show archived", key="archived")
        return
    here = [key for key in (study.tissue, study.reference) if key in records] if study else []
    chosen = session.one_of("dataset", list(records), here[0] if here else None) or ""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        select("Data set", {key: _label(record) for key, record in records.items()}, "dataset", chosen)
        st.toggle("Show archived", key="archived")
    _one(records[chosen], study)


def _label(record: DatasetRecord) -> str:
    return f"{record.name} ({record.role}{', archived' if record.archived else ''})"


def _one(record: DatasetRecord, study: StudyRecord | None) -> None:
    obs = cached.obs(record.id)
    unit = "spot" if record.spots else "cell"
    with st.grid(5, min_column_width=140):
        for name, value in (
            (f"{unit.title()}s", f"{record.n_cells:,}"),
            ("Genes", f"{record.n_genes:,}"),
            (f"Median counts per {unit}", f"{np.median(obs['counts']):,.0f}" if record.scale == "counts" else None),
            (f"Median genes per {unit}", f"{np.median(obs['genes']):,.0f}"),
            ("To the nearest cell", f"{record.neighbour_um:.1f} µm" if record.neighbour_um else None),
        ):
            if value:
                st.metric(name, value, border=True)
    held = plain(f"{record.counts_from} of {record.source}")
    st.markdown(f"**{SCALES[record.scale].capitalize()}** read from {held}")
    told = (record.species, "simulated" if record.simulated else "", f"added {when(record.created)}")
    st.caption(plain(", ".join(filter(None, told))))
    _actions(record)
    preview.show(record, obs, study)
    if record.findings:
        with st.expander("What the doctor said"):
            list_findings([finding for finding in record.findings if finding.grade != "asked"])


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
            st.markdown(f"**{plain(record.name)}** goes for good. The file that it came from stays where it is.")
            if st.button("Delete it", type="primary", key=f"delete.{record.id}"):
                with shown():
                    api.delete_dataset(record.id)
                    session.put("dataset", None)
                    st.rerun()
