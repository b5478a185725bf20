"""One job, live: its place in the queue, stage, progress, time left and a verdict in words; stop, cancel, try again."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from backend import api
from backend.figures import style, training
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
    before = api.queue_place(job.id) - 1
    if not api.workers().alive:
        st.warning("It waits for workers: start Resitu with `make run`.", icon=":material/power_off:")
    st.progress(0.0, text=f"waiting, {before} before it" if before > 0 else "next in line")


def _pace(job: JobStatus) -> str:
    if not job.steps:
        return "getting ready"
    if job.step >= job.steps:
        return "finishing"
    said = f"step {job.step:,} of {job.steps:,}"
    # The pace of the last minute or so: how long it took to start says nothing about what is left.
    told = api.run_metrics(job.id).tail(60)
    told = told[told["attempt"] == job.attempt]
    if len(told) < 3:
        return said
    first, last = (datetime.fromisoformat(str(told["time"].iloc[row])) for row in (0, -1))
    steps = int(told["step"].iloc[-1] - told["step"].iloc[0])
    minutes = (last - first).total_seconds() / 60 * (job.steps - job.step) / max(steps, 1)
    return f"{said} · {duration(minutes)} left" if steps > 0 else said


def _training(job: JobStatus) -> None:
    verdict = api.run_verdict(job.id)
    boxes = {"waiting": st.info, "healthy": st.success, "watch": st.warning, "stop": st.error}
    boxes[verdict.state](plain(verdict.text))
    loss_curves(job, "Training so far")


def loss_curves(job: JobStatus, title: str) -> None:
    """Behind a switch, a run's losses. In steps of ten reports, so that they are not drawn anew each second."""
    if not st.toggle("Show loss curves", key=f"curves.{job.id}"):
        return
    metrics = api.run_metrics(job.id)
    metrics = metrics.iloc[: len(metrics) // 10 * 10]
    if len(metrics):
        curves = training.loss_curves(metrics, title, theme())
        st.plotly_chart(curves, theme=None, key=f"losses.{job.id}", alt=style.describe(curves))


def _buttons(job: JobStatus) -> None:
    with st.container(horizontal=True):
        if job.kind in api.cards() and job.state is JobState.RUNNING:
            label = "Stop and keep"
            if st.button(label, icon=":material/stop:", key=f"stop.{job.id}", help="Ends soon, and keeps the model."):
                api.stop_run(job.id)
                st.toast("It stops after this step, and is scored as it is then.", icon=":material/stop:")
        if st.button("Cancel", icon=":material/close:", key=f"cancel.{job.id}", help="Ends soon, without a result."):
            api.cancel_job(job.id)
            st.toast("It ends after this step.", icon=":material/close:")


def _ended(job: JobStatus, title: str) -> None:
    if job.state is JobState.SUCCEEDED:
        return
    if job.state is JobState.STOPPED:
        st.info(f"{plain(title)}: stopped at step {job.stopped_at or job.step:,} and kept.", icon=":material/stop:")
    elif job.error:
        problem(job.error)
    else:
        st.warning(f"{plain(title)}: {STATES[job.state]}.", icon=":material/info:")
    begun = job.kind in api.cards() and job.step > 0
    label, icon = ("Resume", ":material/resume:") if begun else ("Try again", ":material/refresh:")
    if st.button(label, icon=icon, key=f"again.{job.id}"):
        api.resume_run(job.id)
        st.rerun()
