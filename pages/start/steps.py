"""The checklist of a study: what is done, how long the rest takes, and one blue button for the next step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import streamlit as st

from backend import api
from backend.records import JobState, RunRecord, StudyRecord
from pages.components import session
from pages.components.words import duration, plain
from pages.start import goals


@dataclass(frozen=True)
class Way:
    """How a step is called, what its button says, and the view of the Prepare page where it is done."""

    title: str
    button: str
    view: str


WAYS: dict[api.StepName, Way] = {
    "loaded": Way("Loaded", "", ""),
    "quality": Way("Poor cells left out", "Look at the quality of the cells", "qc"),
    "named": Way("Cells named", "Look at the cells' names", "names"),
    "matched": Way("Atlas matches", "See how the atlas matches", "atlas"),
    "quick": Way("Quick look", "Take a quick look", "quick"),
    "whole": Way("Whole tissue", "Train on the whole tissue", "quick"),
}


def show(study: StudyRecord, run: RunRecord | None, blue: bool) -> None:
    steps = api.checklist(study.id)
    following = next((step for step in steps if not step.done), None)
    with st.container(border=True, key="checklist"):
        st.markdown(f"**{plain(study.name)}**")
        for step in steps:
            _line(step, following is step)
        answered = run is not None and api.job(run.id).state in (JobState.SUCCEEDED, JobState.STOPPED)
        _next(following, answered, blue)


def _line(step: api.Step, following: bool) -> None:
    icon = ":material/check_circle:" if step.done else ":material/radio_button_unchecked:"
    if step.job:
        icon = ":material/hourglass_top:"
    colour = "green" if step.done else ("blue" if following else "gray")
    title = WAYS[step.name].title
    took = f" · {duration(step.minutes)}" if step.minutes and not step.done and not step.job else ""
    st.markdown(f":{colour}[{icon}] {'**' + title + '**' if following else title}  \n:small[{plain(step.says)}{took}]")


def _next(step: api.Step | None, answered: bool, blue: bool) -> None:
    """At most one blue button; the answers that are there already have a plain one beside it."""
    if step:
        label = "Watch the work" if step.job else WAYS[step.name].button
        if _wide(label, "next", blue):
            session.hand_over("prepare", view=WAYS[step.name].view, job=None)
            st.switch_page("preparation.py")
    goal = goals.chosen()
    if not goal.page:
        st.caption("Type a gene in the box beside the map: it is answered now, whatever is still open here.")
    elif answered and _wide(goal.title, "answer", blue and not step):
        session.hand_over("predict", view=goal.view)
        st.switch_page(goal.page)


def _wide(label: str, key: str, blue: bool) -> bool:
    kind: Literal["primary", "secondary"] = "primary" if blue else "secondary"
    return st.button(label, type=kind, icon=":material/arrow_forward:", key=key, width="stretch")
