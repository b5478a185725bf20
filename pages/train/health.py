"""The numbers behind a training's verdict, in words; live while it runs."""

from __future__ import annotations

import streamlit as st

from backend import api
from backend.records import JobState, JobStatus
from pages.components.problems import shown
from pages.components.words import plain


def health(job: JobStatus) -> None:
    """Nothing for a method that reports no such numbers. While the run goes on, its verdict stands in its own panel."""
    if job.state is JobState.RUNNING:
        _live(job.id)
        return
    verdict = api.run_verdict(job.id)
    if verdict.readings:
        tell = {"watch": st.warning, "stop": st.error}.get(verdict.state, st.caption)
        tell(plain(verdict.text))
        _readings(verdict)


@st.fragment(run_every=2)
def _live(job_id: str) -> None:
    with shown():
        _readings(api.run_verdict(job_id))


def _readings(verdict: api.Verdict) -> None:
    if not verdict.readings:
        return
    with st.grid(4, min_column_width=150):
        for reading in verdict.readings:
            name = f"{reading.name} (unusual)" if reading.good is False else reading.name
            st.metric(name, reading.value, help=reading.means, border=True)
