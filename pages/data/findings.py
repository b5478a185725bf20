"""The doctor's findings, in grades: what stops the file, what was mended, what only the user knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from backend.records import Answers, Finding
from pages.components.words import ANSWERS, QUESTIONS, plain, without_flags

GRADES = {
    "refused": ("Stops it", st.error, ":material/block:"),
    "mended": ("Mended", st.success, ":material/healing:"),
    "noted": ("Worth knowing", st.info, ":material/info:"),
}


def list_findings(findings: Sequence[Finding]) -> bool:
    """All findings but the questions, by grade. True: something refuses the file."""
    for grade, (title, box, icon) in GRADES.items():
        found = [finding for finding in findings if finding.grade == grade]
        if found:
            lines = "\n".join(f"- {_sentence(finding)}" for finding in found)
            box(f"**{title}**\n\n{lines}", icon=icon)
    if not findings:
        st.success("Nothing to mend and nothing to ask.", icon=":material/check:")
    return any(finding.grade == "refused" for finding in findings)


def _sentence(finding: Finding) -> str:
    parts = [f"**{plain(without_flags(finding.what))}**", plain(without_flags(finding.why))]
    if finding.mend and finding.grade != "asked":  # there the widget is what helps
        parts.append(f"*What helps:* {plain(without_flags(finding.mend))}")
    return " ".join(part for part in parts if part)


def ask(
    questions: Sequence[Finding], given: Answers, columns: Sequence[Mapping[str, Any]], key: str
) -> tuple[Answers, bool]:
    """A widget per question, filled with the guess; the answers, and whether any differs from what was checked. A guess
    that nobody changed stays a guess: the next visit gives its reason again."""
    known = [question for question in questions if question.field in QUESTIONS]
    said = given.model_dump()
    if known:
        st.markdown("**Guessed: please confirm**")
    with st.grid(3, min_column_width=300):
        for question in known:
            with st.container(border=True, height="stretch"):
                value = _widget(question, key)
                if value != question.guess:
                    said[question.field or ""] = _typed(question, value)
                if question.field == "unit" and value == "px":
                    said["um_per_px"] = st.number_input(
                        "Micrometres per pixel", min_value=1e-6, value=given.um_per_px, format="%.5g", key=f"{key}.px",
                        placeholder="as the instrument's documents say",
                    )  # fmt: skip
                st.caption(_sentence(question))
        with st.container(border=True, height="stretch"):
            said["keep"] = _keep(columns, given, key)
            st.caption("To leave out cells that the file itself marks as bad, or to take one sample of several.")
    answers = Answers.model_validate(said)
    return answers, answers != given


def _keep(columns: Sequence[Mapping[str, Any]], given: Answers, key: str) -> dict[str, str]:
    """Only the cells that have one value in one column."""
    before = next(iter(given.keep.items()), ("", ""))
    examples = {str(column["name"]): [str(value) for value in column["examples"]] for column in columns}
    options = ["", *examples]
    index = options.index(before[0]) if before[0] in options else 0
    column = st.selectbox("Keep", options, index, format_func=lambda name: name or "all cells", key=f"{key}.column")
    if not column:
        return {}
    values = list(dict.fromkeys([before[1], *examples[column]])) if column == before[0] else examples[column]
    value = st.selectbox("with the value", values, accept_new_options=True, key=f"{key}.{column}.value")
    return {column: value} if value else {}


def _typed(question: Finding, value: str | None) -> object:
    # An empty column name means "none of them"; an empty scale or unit means "not said".
    if value in (None, "") and not (question.field or "").endswith("_column"):
        return None
    return value


def _widget(question: Finding, key: str) -> str | None:
    label, key = QUESTIONS[question.field or ""], f"{key}.{question.field}"
    options = list(question.options)
    if not options:
        return st.text_input(label, question.guess or "", key=key)
    index = options.index(question.guess) if question.guess in options else None
    of_file = (question.field or "").endswith(("_column", "_from"))  # names that the file gave: shown as they are
    words = {"": "(none)"} if of_file else ANSWERS
    return st.selectbox(label, options, index, format_func=lambda option: words.get(option, option), key=key)
