"""Studies: put data sets together under a name, see where their cell types come from, tidy up."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from backend import api
from backend.records import DatasetRecord, StudyRecord
from pages.components import session
from pages.components.choice import distinct
from pages.components.job_panel import job_panel
from pages.components.problems import shown
from pages.components.words import plain


def show(study: StudyRecord | None) -> None:
    if study:
        _one(study)
    with st.container(border=True):
        st.markdown("**New study**")
        _create(api.datasets())
    archived = [record for record in api.studies(archived=True) if record.archived]
    if archived:
        st.markdown("**Archived studies**")
        for record in archived:
            if st.button(f"Bring back {plain(record.name)}", icon=":material/unarchive:", key=f"back.{record.id}"):
                api.archive_study(record.id, False)
                st.rerun()


def _create(records: Sequence[DatasetRecord]) -> None:
    tissues = distinct({r.id: r.name for r in records if r.role != "reference"})
    references = distinct({r.id: r.name for r in records if r.role == "reference"})
    missing = [word for word, found in (("a tissue", tissues), ("a reference", references)) if not found]
    if missing:
        st.markdown(f"A study needs a tissue and a reference; here {' and '.join(missing)} is still missing.")
        if st.button("Add data", type="primary", icon=":material/add:"):
            session.put("view", "add")
            st.rerun()
        return
    key = f"name.{len(api.studies(archived=True))}"  # an empty box after each study
    with st.form("new study", border=False):
        with st.grid(2, min_column_width=280):
            name = st.text_input("Name", max_chars=80, placeholder="such as: Lung, CosMx with Maynard", key=key)
            tissue = st.selectbox("Tissue", list(tissues), format_func=tissues.__getitem__)
            reference = st.selectbox("Reference", list(references), format_func=references.__getitem__)
            validation = st.selectbox(
                "Validation tissue (optional)",
                list(tissues),
                None,
                format_func=tissues.__getitem__,
                placeholder="none: scored on two halves of the tissue",
                help="A second tissue, not trained on, by which the predictions are scored; more genes are better.",
            )
        table = None
        if len({record.species for record in records}) > 1:
            table = st.file_uploader(
                "Table of orthologues (optional)",
                ["csv", "tsv", "txt"],
                help="Only where tissue and reference are of different species: a column of human and one of mouse "
                "symbols. Without it the table that comes with Resitu is used.",
            )
        if st.form_submit_button("Make the study", type="primary") and tissue and reference:
            with shown():
                orthologues = api.save_upload(table.name, table) if table else None
                made = api.create_study(name, tissue, reference, validation, orthologues)
                session.choose_study(made.id)
                session.put("view", "studies")
                st.rerun()


def _one(study: StudyRecord) -> None:
    st.subheader(plain(study.name), anchor=False)
    with st.grid(3, min_column_width=280):
        for role, key in (("Tissue", study.tissue), ("Reference", study.reference), ("Validation", study.validation)):
            if key:
                with st.container(border=True, height="stretch"):
                    _part(study, role, key)
    with st.container(horizontal=True):
        if st.button("Train a model", type="primary", icon=":material/arrow_forward:", key="train"):
            st.switch_page("training.py")
        with st.popover("Rename", icon=":material/edit:", type="tertiary"):
            name = st.text_input("New name", study.name, max_chars=80, key=f"rename.{study.id}")
            if st.button("Save", key="save study"):
                with shown():
                    api.rename_study(study.id, name)
                    st.rerun()
        if st.button("Archive", icon=":material/archive:", type="tertiary", key="archive study"):
            api.archive_study(study.id)
            _leave()
        with st.popover("Delete", icon=":material/delete:", type="tertiary"):
            st.markdown(f"**{plain(study.name)}** goes for good; its data sets and their runs stay.")
            if st.button("Delete it", type="primary", key="delete study"):
                with shown():
                    api.delete_study(study.id)
                    _leave()


def _leave() -> None:
    session.choose_study(None)
    session.put("view", "studies")
    st.rerun()


def _part(study: StudyRecord, role: str, dataset_id: str) -> None:
    record = api.dataset(dataset_id)
    found = api.cell_types(study.id, dataset_id)
    st.markdown(f"**{role}:** {plain(record.name)}")
    st.caption(f"{record.n_cells:,} cells, {record.n_genes:,} genes. {plain(found.source)}")
    if found.job_id:
        job_panel(found.job_id, "Working out the cell types")
    if st.button("Cell names", icon=":material/label:", key=f"names.{dataset_id}", type="tertiary"):
        session.hand_over("prepare", view="names", part=role.lower())
        st.switch_page("preparation.py")
