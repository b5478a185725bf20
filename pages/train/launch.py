"""One run: how thorough, what it takes, where it starts."""

from __future__ import annotations

from typing import Any

import streamlit as st

from backend import api
from backend.records import Preflight, StudyRecord
from pages.components import session
from pages.components.choice import select
from pages.components.words import duration, plain
from pages.train.choose import Track, choose_track, lead
from pages.train.config_form import config_form

USUAL = ("Quick look", "Standard", "Thorough")
PUBLISHED = "published"


def launch(study: StudyRecord, method: str) -> None:
    card = api.cards()[method]
    track = choose_track(method)
    sentence = st.empty()  # it depends on the settings, which come below
    preset = _choose_preset(study, method, track)
    with st.expander("Advanced", icon=":material/tune:"):
        st.caption(f"{card.title}: {plain(card.paper)}. The preset fills these in.")
        values: dict[str, Any] = config_form(card, preset, f"config.{method}")
        seed = st.number_input("Seed", 0, 2**31 - 1, 0, help="The same seed and data give the same result.", width=240)
    ahead = look(study, method, values, track)
    sentence.markdown(plain(ahead.answers))
    _preflight(ahead)
    if st.button("Start training", type="primary", icon=":material/play_arrow:"):
        run = api.start_run(study.id, method, values, int(seed), track=track)
        session.put("run", run.id)
        st.rerun()


def _choose_preset(study: StudyRecord, method: str, track: Track | None) -> str:
    """The usual presets with their time; a paper's own, where a method has them, behind one more choice."""
    presets = list(api.cards()[method].presets)
    usual = [name for name in presets if name in USUAL]
    papers = {name: name.removeprefix("Paper: ") for name in presets if name not in USUAL}
    preset = session.one_of("preset", presets, "Standard") or presets[0]
    minutes = {name: duration(look(study, method, api.preset(method, name), track).minutes) for name in usual}
    names = {name: f"{name} · {minutes[name]}" for name in usual} | ({PUBLISHED: "As published"} if papers else {})
    leads = {name: name for name in usual} | {PUBLISHED: next(iter(papers), "")}
    lead("preset", "How thorough", names, preset if preset in usual else PUBLISHED, leads)
    if preset in papers:
        select("Which of them", papers, "preset", preset, width=420)
    return preset


def look(study: StudyRecord, method: str, values: dict[str, Any], track: Track | None = None) -> Preflight:
    return api.preflight(study.id, method, values, track=track)


def _preflight(ahead: Preflight) -> None:
    with st.container(border=True):
        with st.grid(3, min_column_width=140):
            for label, value, explained in (
                ("Genes to learn from", f"{ahead.input_genes:,}", "Genes that both tissue and reference have."),
                ("Time", duration(ahead.minutes), "All fits: the one that is shown and those that score it."),
                ("Memory", f"{ahead.memory_gb:.1f} GB", "At its peak."),
            ):
                st.metric(label, value, help=explained)
        st.caption(f"**How it is scored:** {plain(ahead.split)}")
        st.caption(f"**Computed on:** {plain(ahead.device)}")
        for sentence in ahead.dropped:
            st.caption(f"**Left out:** {plain(sentence)}")
        for warning in ahead.warnings:
            st.warning(plain(warning), icon=":material/warning:")
