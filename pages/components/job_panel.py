"""One job, live: place in the queue, stage, progress, time left, a verdict in words; stop and keep, cancel, try again."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from backend import api, figures
from backend.records import JobState, JobStatus
from pages.components.figure_card import theme
from pages.components.problems import problem, shown
from pages.components.words import STATES, duration, plain


def job_panel(job_id: str, title: str) -> JobStatus:
    """Draw the job as it stands and poll while it runs; the whole page runs again when it has ended."""
    job = api.job(job_id)
    if job.state.finished:
        _ended(job, title)
    else:
        _live(job_id, title)
    return job


@st.fragment(run_every=1)
def _live(job_id: str, title: str) -> None:
    job = api.job(job_id)
    if job.state.finished:
        st.rerun()
    with st.container(border=True, key=f"job-{job_id}"), shown():
        st.markdown(f"**{plain(title)}**")
        if job.state is JobState.QUEUED:
            _queued(job)
        else:
            share = job.step / job.steps if job.steps else 0.0
            st.progress(min(share, 1.0), text=f"{plain(job.stage or 'starting')} · {_pace(job)}")
        if job.kind in api.cards():
            _training(job)
        _buttons(job)
        st.caption("You may close this page: the work goes on, and its address brings you back.")


def _queued(job: JobStatus) -> None:
    waiting = [other for other in api.jobs() if other.state is JobState.QUEUED and other.created < job.created]
    if not api.workers().alive:
        st.warning("It waits for workers: start Resitu with `make run`.", icon=":material/power_off:")
    st.progress(0.0, text=f"waiting, {len(waiting)} before it" if waiting else "next in line")


def _pace(job: JobStatus) -> str:
    if not job.steps or not job.started:
        return "getting ready"
    said = f"step {job.step:,} of {job.steps:,}"
    done = job.step - job.first_step
    if done < 5:
        return said
    seconds = (datetime.now(UTC) - datetime.fromisoformat(job.started)).total_seconds()
    return f"{said} · {duration(seconds / done * (job.steps - job.step) / 60)} left"


def _training(job: JobStatus) -> None:
    verdict = api.run_verdict(job.id)
    {"healthy": st.success, "stop": st.error}.get(verdict.state, st.info)(plain(verdict.text))
    if st.toggle("Show loss curves", key=f"curves.{job.id}"):
        metrics = api.run_metrics(job.id)
        if len(metrics):
            st.plotly_chart(figures.loss_curves(metrics, theme()), theme=None, key=f"losses.{job.id}")


def _buttons(job: JobStatus) -> None:
    with st.container(horizontal=True):
        if job.kind in api.cards() and job.state is JobState.RUNNING:
            label = "Stop and keep"
            if st.button(label, icon=":material/stop:", key=f"stop.{job.id}", help="Ends now, and keeps the model."):
                api.stop_run(job.id)
        if st.button("Cancel", icon=":material/close:", key=f"cancel.{job.id}", help="Ends now, and keeps nothing."):
            api.cancel_job(job.id)
            st.rerun()


def _ended(job: JobStatus, title: str) -> None:
    if job.state is JobState.SUCCEEDED:
        return
    if job.state is JobState.STOPPED:
        st.info(f"{plain(title)}: stopped at step {job.stopped_at or job.step:,} and kept.", icon=":material/stop:")
    elif job.error:
        problem(job.error)
    else:
        st.warning(f"{plain(title)}: {STATES[job.state]}.", icon=":material/info:")
    if st.button("Go on" if job.state is JobState.STOPPED else "Try again", key=f"again.{job.id}"):
        api.resume_run(job.id)
        st.rerun()
