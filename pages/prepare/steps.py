"""Under the views of Prepare: the step's tick, the way on, and the way back."""

from __future__ import annotations

import streamlit as st

from backend import api
from backend.records import StudyRecord
from pages.components import session
from pages.components.words import plain, when

# view -> the step of the checklist that is settled there, and the view that comes next
NEXT: dict[str, tuple[api.StepName | None, str, str]] = {
    "qc": ("quality", "sections", "Sections"),
    "sections": (None, "names", "Cell names"),
    "names": ("named", "atlas", "Atlas"),
    "atlas": ("matched", "quick", "Quick look"),
}


def strip(study: StudyRecord, view: str) -> None:
    """The last change with its undo, and the button that settles this step as it is."""
    with st.container(horizontal=True, vertical_alignment="center", key="changes"):
        if study.past:
            _undo(study)
        if view in NEXT:
            _go_on(study, *NEXT[view])


def _undo(study: StudyRecord) -> None:
    last = study.past[-1]
    st.caption(f"Last change, {when(last.at)}: {plain(last.did)}", width="content")
    # A button per change: a second click, or one in a window that shows an older change, takes nothing else back.
    if st.button("Undo", icon=":material/undo:", type="tertiary", key=f"undo.{len(study.past)}.{last.at}"):
        api.undo(study.id)
        session.put("job", None)
        session.put("run", None)  # it may belong to the data that are taken back
        st.toast(f"Taken back: {plain(last.did)}", icon=":material/undo:")
        st.rerun()


def _go_on(study: StudyRecord, name: api.StepName | None, view: str, title: str) -> None:
    step = next((step for step in api.checklist(study.id) if step.name == name), None)
    if step and step.done:
        st.caption(f":green[:material/check_circle:] {plain(step.says)}", width="content")
    label = f"Go on: {title}" if step is None or step.done else f"Good as it is, go on: {title}"
    if st.button(label, icon=":material/arrow_forward:", type="tertiary", key="go on", icon_position="right"):
        if step and not step.done:
            api.settle(study.id, step.name)
        session.put("job", None)
        session.put("view", view)
        st.rerun()
