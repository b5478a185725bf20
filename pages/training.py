"""Train: what will be answered, what it takes, how long; launch, watch, stop; the runs so far."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from backend import api
from backend.records import JobState, Preflight, RunRecord, StudyRecord
from pages.components import session
from pages.components.choice import segments
from pages.components.job_panel import job_panel, loss_curves
from pages.components.problems import empty, shown
from pages.components.study_picker import open_page
from pages.components.words import STATES, duration, plain, when
from pages.train.config_form import config_form

METHOD = "scxm"


def main() -> None:
    place = open_page(
        "train", "Train", "What can be learnt from this tissue and this reference, and is it worth the wait?", "preset"
    )
    if place.study is None:
        empty("A study puts a tissue and a reference together; there is none yet.", "Make a study", "upload.py")
        return
    if place.run:
        _current(place.run)
    _launch(place.study)
    _history(place.study)


def _current(run: RunRecord) -> None:
    job = job_panel(run.id, f"Training {run.method.upper()}, seed {run.seed}")
    if job.state in (JobState.SUCCEEDED, JobState.STOPPED) and api.has_result(run.id):
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            verdict = api.summary(run.id).get("verdict", "")
            st.markdown(f"**The chosen run is trained.** {plain(verdict)}", width="stretch")
            if st.button("See what it predicts", type="primary", icon=":material/arrow_forward:"):
                st.switch_page("prediction.py")
        loss_curves(job, "How it was trained")


def _launch(study: StudyRecord) -> None:
    card = api.cards()[METHOD]
    st.subheader("A new run", anchor=False)
    sentence = st.empty()  # it depends on the settings, which come below
    presets = list(card.presets)
    preset = session.one_of("preset", presets, "Standard") or presets[0]
    minutes = {name: duration(_look(study, name).minutes) for name in presets}
    segments("How thorough", {name: f"{name} · {minutes[name]}" for name in presets}, "preset", preset)
    with st.expander("Advanced", icon=":material/tune:"):
        st.caption(f"{card.title}: {plain(card.paper)}. The preset fills these in.")
        values: dict[str, Any] = config_form(card, preset, "config")
        seed = st.number_input("Seed", 0, 2**31 - 1, 0, help="The same seed and data give the same result.", width=240)
    look = api.preflight(study.id, METHOD, values)
    sentence.markdown(plain(look.answers))
    _preflight(look)
    if st.button("Start training", type="primary", icon=":material/play_arrow:"):
        run = api.start_run(study.id, METHOD, values, int(seed))
        session.put("run", run.id)
        st.rerun()


def _look(study: StudyRecord, preset: str) -> Preflight:
    return api.preflight(study.id, METHOD, api.preset(METHOD, preset))


def _preflight(look: Preflight) -> None:
    with st.container(border=True):
        with st.grid(3, min_column_width=140):
            for label, value, explained in (
                ("Genes to learn from", f"{look.input_genes:,}", "Genes that both tissue and reference have."),
                ("Time", duration(look.minutes), "All fits: the one that is shown and those that score it."),
                ("Memory", f"{look.memory_gb:.1f} GB", "At its peak."),
            ):
                st.metric(label, value, help=explained)
        st.caption(f"**How it is scored:** {plain(look.split)}")
        st.caption(f"**Computed on:** {plain(look.device)}")
        for sentence in look.dropped:
            st.caption(f"**Left out:** {plain(sentence)}")
        for warning in look.warnings:
            st.warning(plain(warning), icon=":material/warning:")


def _history(study: StudyRecord) -> None:
    runs = sorted(api.runs(study.id), key=lambda run: run.created, reverse=True)
    if not runs:
        return
    st.subheader("Runs of this study", anchor=False)
    names = {record.id: record.name for record in api.datasets(archived=True)}
    st.dataframe(
        pd.DataFrame([_row(run, names) for run in runs]),
        hide_index=True,
        placeholder="–",
        column_config={
            "score": st.column_config.NumberColumn(
                "Median score",
                format="%.2f",
                help="Median over genes of the held-out correlation, without the cell itself.",
            ),
            "open": st.column_config.LinkColumn("Open", display_text="open", width="small"),
        },
    )


def _row(run: RunRecord, names: dict[str, str]) -> dict[str, Any]:
    job = api.job(run.id)
    return {
        "Made": when(run.created),
        "Method": run.method.upper(),
        "On": names.get(run.tissue, "a data set that was deleted"),
        "State": STATES[job.state],
        "Seed": run.seed,
        "Epochs": run.config.get("epochs"),
        "Encoder": run.config.get("encoder"),
        "score": float(job.result.get("median") or "nan"),
        "open": f"/train?study={session.get('study')}&run={run.id}",
    }


with shown():
    main()
