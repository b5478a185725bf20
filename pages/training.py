"""Train: which question, with which method, what it takes, how long; launch, watch, stop; the runs so far."""

from __future__ import annotations

import streamlit as st

from backend import api
from backend.records import JobState, RunRecord
from pages.components.job_panel import job_panel, loss_curves
from pages.components.problems import empty, shown
from pages.components.study_picker import open_page
from pages.components.words import method_title, plain
from pages.predict.quality_table import context_table
from pages.train.choose import AROUND, INSIDE, choose_method, choose_question, choose_way
from pages.train.health import health
from pages.train.history import history
from pages.train.launch import launch
from pages.train.several import several

OWN = ("way", "methods", "track", "split", "preset")  # of the address, beside the method


def main() -> None:
    question = "What can be learnt from this tissue and this reference, and is it worth the wait?"
    place = open_page("train", "Train", question, "method", *OWN)
    if place.study is None:
        empty("A study puts a tissue and a reference together; there is none yet.", "Make a study", "upload.py")
        return
    if place.run:
        _current(place.run)
    st.subheader("A new run", anchor=False)
    with shown():
        where = choose_question(place.run)
        if where == INSIDE and choose_way() == "several":
            several(place.study)
        else:
            launch(place.study, choose_method(where))
    history(place.study)


def _current(run: RunRecord) -> None:
    job = job_panel(run.id, f"Training {method_title(run.method)}, seed {run.seed}")
    if job.state is JobState.RUNNING:
        health(job)
    if job.state in (JobState.SUCCEEDED, JobState.STOPPED) and api.has_result(run.id):
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            verdict = api.summary(run.id).get("verdict", "")
            st.markdown(f"**The chosen run is trained.** {plain(verdict)}", width="stretch")
            if st.button("See what it predicts", type="primary", icon=":material/arrow_forward:"):
                st.switch_page("prediction.py")
        if api.cards()[run.method].where == AROUND:
            st.markdown("**Worth, beside simple methods on the same cells**")
            context_table(run)
        if not api.cards()[run.method].comparator:  # a simple method has no losses to look at
            health(job)
            loss_curves(job, "How it was trained")


with shown():
    main()
