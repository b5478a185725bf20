"""Home: what Resitu is for, the studies on this server, and the next step."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from backend import api
from backend.records import JobState, RunRecord, StudyRecord
from pages.components import session
from pages.components.job_panel import job_panel
from pages.components.links import linked_job
from pages.components.problems import shown
from pages.components.study_picker import open_page
from pages.components.words import plain, when

SHOWN = 6


def main() -> None:
    place = open_page(
        "start",
        "Put dissociated cells back in situ",
        "Bring a tissue and a reference; Resitu learns from the pair which neighbourhood each dissociated cell came "
        "from, and shows how far that can be trusted.",
        "job",
    )
    _demo_job()
    studies = sorted(api.studies(), key=lambda study: study.created, reverse=True)
    if place.study:
        _next_step(place.study, place.run)
    if all(study.simulated for study in studies):  # nobody has brought anything yet
        _first_steps(with_demo=not studies)
    if studies:
        st.subheader("Studies on this server", anchor=False)
        names = {record.id: record.name for record in api.datasets(archived=True)}
        with st.grid(3, min_column_width=280):
            for study in studies[:SHOWN]:
                _card(study, names)
        if not any(study.simulated for study in studies):
            _demo_button("secondary")


def _first_steps(with_demo: bool) -> None:
    with st.grid(2 if with_demo else 1, min_column_width=280):
        if with_demo:
            with st.container(border=True, height="stretch"):
                st.subheader("Look around", anchor=False)
                st.markdown(
                    "A small *simulated* study: a tumour-like tissue, a dissociated reference, and a validation "
                    "section. It is made in seconds and trains in two minutes."
                )
                _demo_button("primary")
        with st.container(border=True, height="stretch"):
            st.subheader("Bring your own data", anchor=False)
            st.markdown(
                "A spatial data set with coordinates (CosMx, Xenium, MERSCOPE, Visium, ...) and a single-cell "
                "reference of the same kind of tissue. Both are checked before anything is computed."
            )
            if st.button("Add data", icon=":material/database:"):
                st.switch_page("upload.py")


def _demo_button(kind: Literal["primary", "secondary"]) -> None:
    if st.button("Open the simulated study", icon=":material/science:", type=kind):
        session.put("job", api.make_demo().id)
        st.rerun()


def _demo_job() -> None:
    """The demo in the making: asked for here, or by `make run`."""
    making = (job.id for job in api.jobs() if job.kind == "demo" and not job.state.finished)
    linked = linked_job("demo")
    asked = linked.id if linked else next(making, None)
    if not asked:
        return
    with shown():
        job = job_panel(asked, "Making the simulated study")
        if job.state is JobState.SUCCEEDED:
            session.put("job", None)
            session.choose_study(job.result["study"])
            st.rerun()


def _next_step(study: StudyRecord, run: RunRecord | None) -> None:
    """The one thing to do next in the study that is open."""
    finished = run and api.job(run.id).state in (JobState.SUCCEEDED, JobState.STOPPED)
    if finished:
        text, label, page = "Its model is trained.", "See what it predicts", "prediction.py"
    elif run:
        text, label, page = "A model is being trained.", "Watch the training", "training.py"
    else:
        text, label, page = "Nothing is trained yet: that is the next step.", "Train a model", "training.py"
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(study.name)}** is open. {text}", width="stretch")
        if st.button(label, type="primary", icon=":material/arrow_forward:"):
            st.switch_page(page)


def _card(study: StudyRecord, names: dict[str, str]) -> None:
    with st.container(border=True, height="stretch", key=f"study-{study.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(study.name)}**")
            if study.simulated:
                st.badge("simulated", color="orange")
        parts = [("Tissue", study.tissue), ("Reference", study.reference), ("Validation", study.validation)]
        st.caption("  \n".join(f"{role}: {plain(names.get(key, key))}" for role, key in parts if key))
        runs = len(api.runs(study.id))
        st.caption(f"{runs} {'run' if runs == 1 else 'runs'} · made {when(study.created)}")
        if st.button("Open", key=f"open.{study.id}", icon=":material/folder_open:"):
            session.choose_study(study.id)
            st.rerun()


with shown():
    main()
