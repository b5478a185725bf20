"""Recent studies: a picture of each, when it last changed; open, rename, duplicate, archive with undo, delete."""

from __future__ import annotations

import streamlit as st

from backend import api
from backend.records import StudyRecord
from pages.components import cached, session
from pages.components.problems import shown
from pages.components.words import plain, when

SHOWN = 6


def show() -> None:
    _put_away()
    studies = sorted(api.studies(), key=lambda study: study.changed, reverse=True)
    if not studies:
        return
    st.subheader("Recent studies", anchor=False)
    names = {record.id: record.name for record in api.datasets(archived=True)}
    every = st.toggle(f"Show all {len(studies)}", key="every study") if len(studies) > SHOWN else False
    with st.grid(3, min_column_width=280):
        for study in studies if every else studies[:SHOWN]:
            with st.container(border=True, height="stretch", key=f"study-{study.id}"), shown():
                _card(study, names)


def _put_away() -> None:
    """A study that was archived just now, and the way back."""
    gone = st.session_state.get("put away")
    if not gone:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"), shown():
        name = api.study(gone).name
        st.markdown(f"**{plain(name)}** is archived: it is out of the lists, and nothing is lost.", width="stretch")
        if st.button("Undo", icon=":material/undo:", key="undo archive"):
            api.archive_study(gone, False)
            del st.session_state["put away"]
            st.rerun()


def _card(study: StudyRecord, names: dict[str, str]) -> None:
    alt = f"Small map of the tissue of {study.name}, coloured by cell type"
    st.image(cached.thumbnail(study), width="stretch", alt=alt)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(study.name)}**")
        if study.simulated:
            st.badge("simulated", color="orange")
    st.caption(
        f"{plain(names.get(study.tissue, study.tissue))} with {plain(names.get(study.reference, study.reference))}"
    )
    runs = len(api.runs(study.id))
    st.caption(f"{runs} {'run' if runs == 1 else 'runs'} · changed {when(study.changed)}")
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Open", key=f"open.{study.id}", icon=":material/folder_open:"):
            session.choose_study(study.id)
            st.rerun()
        with st.popover("More", type="tertiary", icon=":material/more_horiz:"):
            _more(study)


def _more(study: StudyRecord) -> None:
    name = st.text_input("Name", study.name, max_chars=80, key=f"name.{study.id}")
    with st.container(horizontal=True):
        if st.button("Rename", key=f"rename.{study.id}", icon=":material/edit:", type="tertiary"):
            with shown():
                api.rename_study(study.id, name)
                st.rerun()
        if st.button("Duplicate", key=f"copy.{study.id}", icon=":material/content_copy:", type="tertiary"):
            with shown():
                session.choose_study(api.duplicate_study(study.id, _copy_name(study, name)).id)
                st.rerun()
    if st.button("Archive", key=f"archive.{study.id}", icon=":material/archive:", type="tertiary"):
        api.archive_study(study.id)
        st.session_state["put away"] = study.id
        if session.get("study") == study.id:
            session.choose_study(None)
        st.rerun()
    sure = st.checkbox("Delete for good; its data sets and runs stay", key=f"sure.{study.id}")
    if st.button("Delete", key=f"delete.{study.id}", icon=":material/delete:", type="tertiary", disabled=not sure):
        api.delete_study(study.id)
        if session.get("study") == study.id:
            session.choose_study(None)
        st.rerun()


def _copy_name(study: StudyRecord, typed: str) -> str:
    """The typed name if it is a new one, else "name (copy)", "name (copy 2)", ..."""
    taken = {other.name for other in api.studies(archived=True)}
    if typed.strip() and typed.strip() not in taken:
        return typed
    stem = study.name[:70]
    tries = [f"{stem} (copy)", *(f"{stem} (copy {number})" for number in range(2, 100))]
    return next(name for name in tries if name not in taken)
