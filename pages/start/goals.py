"""What do you want to know? Three questions; the one that is chosen decides where the steps lead."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from backend.records import StudyRecord
from pages.components import session


@dataclass(frozen=True)
class Goal:
    """page, view: where the answer stands, once the steps before it are done; "" is Home itself."""

    title: str
    says: str
    page: str = ""
    view: str | None = None


GOALS = {
    "gene": Goal(
        "Show a gene my panel lacks",
        "Type any gene of the atlas: what your panel measured is shown cell by cell; what it lacks, by cell type.",
    ),
    "niches": Goal(
        "Find and compare niches",
        "Cells of one type in different neighbourhoods: which genes and pathways differ between them?",
        "niches.py",
    ),
    "origin": Goal(
        "Where did my dissociated cells come from?",
        "For each cell of the atlas: which genes are expressed by the cells that surrounded it?",
        "prediction.py",
        "around",
    ),
}
DEFAULT = "origin"


def chosen() -> Goal:
    """The question in the URL; where dissociated cells came from if none is."""
    return GOALS.get(session.get("goal") or DEFAULT, GOALS[DEFAULT])


def show(study: StudyRecord | None) -> None:
    """The three cards; without a study they say what is needed."""
    st.subheader("What do you want to know?", anchor=False)
    now = chosen()
    with st.grid(3, min_column_width=260):
        for key, goal in GOALS.items():
            with st.container(border=True, height="stretch", key=f"goal-{key}"):
                st.markdown(f"**{goal.title}**")
                st.caption(goal.says)
                if goal is now and session.get("goal"):
                    st.badge("your question", icon=":material/check:", color="green")
                elif st.button("This is my question", key=f"choose.{key}", icon=":material/flag:"):
                    session.put("goal", key)
                    st.toast(f"The steps now lead to: {goal.title}", icon=":material/flag:")
                    st.rerun()
    if study is None:
        st.caption("Each needs a tissue and an atlas of the same kind of tissue: bring yours below, or try the demo.")
