"""The top of every page: its question in one sentence, and a strip that says where one is."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from backend import api
from backend.errors import NotFound
from backend.records import JobState, RunRecord, StudyRecord
from pages.components import session
from pages.components.choice import select
from pages.components.notices import notices
from pages.components.words import STATES, plain, run_label


@dataclass(frozen=True)
class Place:
    """Where one is. Either may be missing: a new server has neither."""

    study: StudyRecord | None
    run: RunRecord | None


def open_page(page: str, title: str, question: str, *own: str, contexts: bool = False) -> Place:
    """Restore the URL, write title and question, draw the strip. `own`: URL parameters of this page alone. `contexts`:
    it works with runs that say what is around cells, not with imputations."""
    session.restore(page, *own)
    st.title(title, anchor=False)
    st.markdown(question)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="strip"):
        study = _pick_study()
        run = _pick_run(study, contexts) if study else None
        if study:
            notices(study)
        if study and study.simulated:
            st.badge("simulated", color="orange", help="This study's data were made by a program, not measured.")
        _workers()
    return Place(study, run)


def _pick_study() -> StudyRecord | None:
    studies = {study.id: study for study in api.studies()}
    asked = session.get("study")
    if asked and asked not in studies:
        _say_gone(asked)
        session.choose_study(None)
    if not studies:
        st.badge("no study yet", color="gray", icon=":material/folder_open:")
        return None
    newest = max(studies.values(), key=lambda study: study.created).id
    chosen = session.one_of("study", list(studies), newest)
    names = {key: study.name for key, study in studies.items()}
    select("Study", names, "study", chosen, label_visibility="collapsed", width=280, icon=":material/folder_open:")
    return studies[chosen] if chosen else None


def _say_gone(asked: str) -> None:
    """A study that was archived meanwhile, perhaps in another window, is said by its name; what is shown is another."""
    gone = next((study for study in api.studies(archived=True) if study.id == asked), None)
    if gone:
        told = f"{plain(gone.name)} is archived: bring it back under *Data*, *Studies*. Another study is open now."
        st.warning(told, icon=":material/inventory_2:")
    else:
        st.warning(f"The study {plain(asked)} of this link is not on this server.", icon=":material/link_off:")


def _pick_run(study: StudyRecord, contexts: bool) -> RunRecord | None:
    every = {run.id: run for run in sorted(api.runs(study.id), key=lambda run: run.created, reverse=True)}
    runs = {key: run for key, run in every.items() if not (contexts and api.imputed.is_imputation(run))}
    asked = session.get("run")
    if asked and asked not in every:
        st.warning(f"The run {plain(asked)} of this link is not in this study.", icon=":material/link_off:")
    if not runs:
        session.put("run", None)
        st.badge("no run yet", color="gray", icon=":material/model_training:")
        return None
    states = {key: _state(key) for key in runs}
    ready = next((key for key, state in states.items() if state in (JobState.SUCCEEDED, JobState.STOPPED)), None)
    chosen = session.one_of("run", list(runs), study.imputer if study.imputer in runs else ready) or ""
    # Oldest first, so that a run keeps its name when another is made.
    names = {key: _run_name(run, study) for key, run in reversed(runs.items())}
    select("Run", names, "run", chosen, label_visibility="collapsed", width=280, icon=":material/model_training:")
    state = states[chosen]
    if state is not JobState.SUCCEEDED:
        st.badge(STATES[state] if state else "lost", color="blue" if state and not state.finished else "gray")
    return runs[chosen]


def _run_name(run: RunRecord, study: StudyRecord) -> str:
    return run_label(run) + ("" if run.tissue == study.tissue else ", on a region")


def _state(job_id: str) -> JobState | None:
    try:
        return api.job(job_id).state
    except NotFound:
        return None


def _workers() -> None:
    workers = api.workers()
    if workers.alive:
        busy = "GPU" if workers.device == "cuda" else "CPU"
        st.badge(f"workers ready ({busy})", color="green", icon=":material/check:")
    else:
        st.badge("No workers", color="red", icon=":material/power_off:")
        st.caption("Nothing can be computed now; start Resitu with `make run`.")
