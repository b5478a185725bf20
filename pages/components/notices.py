"""Wherever one is: what is under way in the study, and a word when it has ended."""

from __future__ import annotations

import streamlit as st

from backend import api
from backend.errors import UserError
from backend.records import JobState, RunRecord, StudyRecord
from pages.components import session
from pages.components.words import count, plain, run_label

EVERY_S = 3


def notices(study: StudyRecord) -> None:
    """In the strip of every page. Nothing where nothing runs."""
    if study.region_job:
        _region(study, study.region_job)
    running = [run for run in api.runs(study.id) if not api.job(run.id).state.finished]
    if running:
        _watch(running, study)


@st.fragment(run_every=1)
def _region(study: StudyRecord, job_id: str) -> None:
    """The region of a quick look: once it is there, the training on it begins."""
    job = api.job(job_id)
    if job.state.finished:
        try:
            run = api.continue_quick_look(study.id)
        except UserError as error:  # such as a region too small to be halved
            run = None
            st.toast(plain(f"No quick look. {error.what} {error.why}"), icon=":material/error:", duration="infinite")
        if run:
            session.put("run", run.id)
            st.toast("The region is cut out: the quick look trains on it now.", icon=":material/crop:")
        elif job.error:
            st.toast(plain(f"No region: {job.error['what']}"), icon=":material/error:", duration="long")
        st.rerun()
    st.badge("cutting a region out", color="blue", icon=":material/crop:")


@st.fragment(run_every=EVERY_S)
def _watch(runs: list[RunRecord], study: StudyRecord) -> None:
    for run in runs:
        state = api.job(run.id).state
        if state.finished:
            what = "The quick look" if run.tissue == study.quick else f"The training {run_label(run)}"
            if state in (JobState.SUCCEEDED, JobState.STOPPED):
                st.toast(f"{what} is done.", icon=":material/check_circle:", duration="long")
            else:
                st.toast(
                    f"{what} ended without a result: see the Train page.", icon=":material/error:", duration="long"
                )
            st.rerun()
    st.badge(f"{count(len(runs), 'training')} under way", color="blue", icon=":material/hourglass_top:")
