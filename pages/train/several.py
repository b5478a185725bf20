"""Several methods on one frozen split, one after another in one queue."""

from __future__ import annotations

import streamlit as st

from backend import api
from backend.errors import UserError
from backend.records import JobState, RunRecord, StudyRecord
from pages.components import session
from pages.components.choice import segments
from pages.components.words import STATES, count, duration, method_title, plain
from pages.imputed import bake_off
from pages.train.choose import INSIDE, method_names
from pages.train.launch import look

PRESETS = ("Quick look", "Standard", "Thorough")
TICKED = ("quorum", "spagene", "casper", "spage", "knn", "own-total")


def several(study: StudyRecord) -> None:
    st.markdown(
        "Tick methods: each is trained on the same hidden genes and scored on the same cells. What was trained before "
        "is not trained again."
    )
    methods = _ticked()
    preset = session.one_of("preset", PRESETS, "Standard") or "Standard"
    segments("How thorough", {name: name for name in PRESETS}, "preset", preset)
    able = _able(study, methods, preset)
    label = f"Start {count(len(able), 'training')}"
    if st.button(label, type="primary", icon=":material/playlist_play:", disabled=not able):
        for method in able:
            api.start_run(study.id, method, _settings(method, preset))
        st.rerun()
    waiting = [run for run in api.runs(study.id) if _under_way(run)]
    if waiting:
        _progress([run.id for run in waiting])
    st.subheader("The bake-off", anchor=False)
    bake_off.results(study)


def _ticked() -> list[str]:
    """What is ticked now, kept in the URL."""
    names = method_names(INSIDE, comparators=False) | method_names(INSIDE, comparators=True)
    said = session.get("methods")
    chosen = [name for name in (said.split(",") if said else TICKED) if name in names]
    key = "widget.train.methods"
    st.session_state[key] = chosen
    st.pills(
        "Methods", list(names), selection_mode="multi", format_func=names.__getitem__, key=key, on_change=_keep,
        args=(key,),
    )  # fmt: skip
    return chosen


def _keep(key: str) -> None:
    session.put("methods", ",".join(st.session_state[key]) or "none")


def _able(study: StudyRecord, methods: list[str], preset: str) -> list[str]:
    """The methods that can run here; the others are said with their reason. Draws what all take together."""
    able, minutes = [], 0.0
    for method in methods:
        try:
            minutes += look(study, method, _settings(method, preset)).minutes
            able.append(method)
        except UserError as error:
            st.caption(f"**Left out: {plain(method_title(method))}.** {plain(error.what)} {plain(error.mend)}")
    if able:
        st.caption(f"All of them: {duration(minutes)} if none was trained before.")
    return able


def _settings(method: str, preset: str) -> dict[str, object]:
    """A method without that preset has but one way."""
    return api.preset(method, preset) if preset in api.cards()[method].presets else {}


def _under_way(run: RunRecord) -> bool:
    return api.imputed.is_imputation(run) and not api.job(run.id).state.finished


@st.fragment(run_every=2)
def _progress(run_ids: list[str]) -> None:
    """A line for each that is not done; the page runs again when one is."""
    jobs = [api.job(run_id) for run_id in run_ids]
    if any(job.state.finished for job in jobs):
        st.rerun()
    with st.container(border=True, key="bake-off-queue"):
        for job in jobs:
            share = min(job.step / job.steps, 1.0) if job.steps else 0.0
            told = plain(job.stage or "starting") if job.state is JobState.RUNNING else STATES[job.state]
            st.progress(share, text=f"**{plain(method_title(job.kind))}** · {told}")
        if not api.workers().alive:
            st.warning("They wait for workers: start Resitu with `make run`.", icon=":material/power_off:")
        if st.button("Cancel all", icon=":material/close:"):
            for job in jobs:
                api.cancel_job(job.id)
            st.rerun()
        st.caption("You may close this page: the work goes on.")
