"""A naming under way: the names in use stay until it is done; and the namings of before.

A naming that this tab asked for is used as soon as it is there; one that a link names waits for a click.
"""

from __future__ import annotations

import streamlit as st

from backend import api
from backend.records import JobState, JobStatus, StudyRecord
from pages.components import cached, session
from pages.components.job_panel import job_panel
from pages.components.links import linked_job
from pages.components.words import STATES, plain, when
from pages.prepare.naming import review

HOW = {
    "transfer": "Types from the atlas", "leiden": "Groups of similar expression", "markers": "Marker lists",
    "celltypist": "CellTypist model", "groups": "A file of cell groups", "edit": "Names changed by hand",
    "inherit": "Names of another version",
}  # fmt: skip
_ASKED = "prepare.naming"  # "job types-in-use-then": what this tab asked for
_TOLD = "prepare.told"  # "job attempt": the failure that this tab was told of
_SHOWN = 8


def start(study: StudyRecord, job: JobStatus) -> None:
    """Wait for the job on this page, and use its names then."""
    st.session_state[_ASKED] = f"{job.id} {study.types[job.params['dataset']]}"
    session.put("job", job.id)
    st.toast("Under way: it is shown at the top of this page.", icon=":material/arrow_upward:")
    st.rerun()


def show(study: StudyRecord, dataset_id: str) -> None:
    """The job of `?job=`."""
    if not (session.get("job") or "").startswith("annotate-"):  # the views of Prepare share the parameter
        return
    asked = linked_job("annotate")
    if not asked or asked.params["dataset"] not in study.parts:
        return
    name = api.dataset(asked.params["dataset"]).name
    job = job_panel(asked.id, f"{HOW[asked.params['how']]}: {name}. The names in use stay until it is done.")
    if job.state is not JobState.SUCCEEDED:
        if job.state.finished:
            _failed(job)
        return
    if study.types[job.params["dataset"]] == job.id:
        _leave()
    elif job.params["how"] == "markers":
        if job.params["dataset"] == dataset_id:
            _review(study, job)
    else:
        _use(study, job)


def _failed(job: JobStatus) -> None:
    once = f"{job.id} {job.attempt}"
    if st.session_state.get(_TOLD) != once:  # who scrolled down to a form sees this first
        st.session_state[_TOLD] = once
        st.toast("It did not work: why is said at the top of this page.", icon=":material/error:")
    if st.button("Leave it", key=f"leave.{job.id}", type="tertiary"):
        _leave()


def _use(study: StudyRecord, job: JobStatus) -> None:
    mine, _, base = st.session_state.pop(_ASKED, "").partition(" ")
    if mine == job.id:
        api.use_naming(study.id, job.id, base, cached.colours(study))
        st.toast("The new names are in use.", icon=":material/check:")
        _leave()
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="ready"):
        st.markdown(f"**These names are ready.** {plain(job.result['source'])}")
        if st.button("Use them", type="primary", icon=":material/check:", key=f"use.{job.id}"):
            api.use_naming(study.id, job.id, colours=cached.colours(study))
            _leave()
        if st.button("Leave it", key=f"leave.{job.id}", type="tertiary"):
            _leave()


def _review(study: StudyRecord, job: JobStatus) -> None:
    decided = review.show(job)
    if decided is None:
        return
    if decided:
        start(study, api.edit_types(study.id, job.params["dataset"], {}, groups=decided, base=job.id))
    api.use_naming(study.id, job.id)
    _leave()


def _leave() -> None:
    session.put("job", None)
    st.rerun()


def earlier(study: StudyRecord, dataset_id: str) -> None:
    """Names that were found before, to go back to."""
    part, now = api.dataset(dataset_id), study.types[dataset_id]
    others = [job for job in api.namings(study.id, dataset_id) if job.id != now]
    own = part.has_types and now != "column"
    if not (others or own):
        return
    with st.expander(f"Earlier names ({len(others) + own})"):
        if own and _line(f"As the data name them (column {plain(part.columns.get('type', 'type'))})", "column"):
            api.use_types(study.id, dataset_id, "column", f"the file's own names for {part.name}")
            st.rerun()
        for job in others[:_SHOWN]:
            if job.state is JobState.SUCCEEDED:
                said = plain(job.result.get("source", ""))
            else:
                said = f"{HOW[job.params['how']]}: {STATES[job.state]}"
            if _line(f"{when(job.finished or job.created)}: {said}", job.id):
                session.put("job", job.id)
                st.rerun()


def _line(text: str, key: str) -> bool:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(text)
        return st.button("Look" if key != "column" else "Use", key=f"earlier.{key}", type="tertiary")
