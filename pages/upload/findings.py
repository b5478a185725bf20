"""The doctor's findings, in grades: what stops the file, what was mended, what only the user knows."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from backend.records import Answers, Finding
from pages.components.words import plain

WORDS = {
    "unit": "Unit of the coordinates",
    "um_per_px": "Micrometres per pixel",
    "species": "Species",
    "gene_ids": "Gene names are",
    "counts_from": "Counts are in",
    "type_column": "Cell types are in",
    "section_column": "Sections are in",
    "sample_column": "Samples are in",
    "patient_column": "Patients are in",
    "condition_column": "Conditions are in",
    "spots": "Each unit is",
}
OPTION_WORDS = {
    "um": "micrometres (µm)", "mm": "millimetres (mm)", "px": "pixels", "": "none", "ensembl": "Ensembl ids",
    "symbol": "symbols", "yes": "a spot of several cells", "no": "a single cell",
}  # fmt: skip
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
    parts = [f"**{plain(finding.what)}**", plain(finding.why)]
    if finding.mend and finding.grade != "asked":  # there it names the command line's flag
        parts.append(f"*What helps:* {plain(finding.mend)}")
    return " ".join(part for part in parts if part)


def ask(questions: Sequence[Finding], given: Answers) -> tuple[Answers, bool]:
    """A widget per question, filled with the guess; the answers, and whether any differs from what was checked."""
    said = given.model_dump()
    checked = Answers.model_validate(said | {q.field: _typed(q, q.guess) for q in questions if q.field in WORDS})
    if questions:
        st.markdown("**Please confirm** what was guessed")
    with st.grid(2, min_column_width=320):
        for question in questions:
            if question.field in WORDS:
                with st.container(border=True, height="stretch"):
                    said[question.field] = _typed(question, _widget(question))
                    st.caption(_sentence(question))
    said["keep"] = _keep(questions, given)
    answers = Answers.model_validate(said)
    return answers, answers != checked


def _keep(questions: Sequence[Finding], given: Answers) -> dict[str, str]:
    """Only the cells with one value in one column: the columns are those that the doctor offers for types."""
    columns = next((list(q.options) for q in questions if q.field == "type_column"), [""])
    before = next(iter(given.keep.items()), ("", ""))
    with st.expander("Keep only some of the cells", expanded=bool(given.keep), type="compact"):
        left, right = st.columns(2)
        options = list(dict.fromkeys(["", *columns, before[0]]))
        column = left.selectbox(
            "Column", options, options.index(before[0]), format_func=lambda name: name or "all cells", key="keep.column"
        )
        value = right.text_input("has the value", before[1], key="keep.value", disabled=not column)
    return {column: value.strip()} if column and value.strip() else {}


def _typed(question: Finding, value: str | None) -> object:
    # An empty column name means "none of them"; an empty scale or unit means "not said".
    if value in (None, "") and not (question.field or "").endswith("_column"):
        return None
    return value


def _widget(question: Finding) -> str | None:
    label = WORDS[question.field or ""]
    if question.options:
        options = list(question.options)
        index = options.index(question.guess) if question.guess in options else None
        return st.selectbox(
            label, options, index, format_func=lambda option: OPTION_WORDS.get(option, option), key=f"ask.{question.field}"
        )
    if question.field == "um_per_px":
        start = float(question.guess) if question.guess else None
        value = st.number_input(label, min_value=1e-6, value=start, format="%.5g", key="ask.um_per_px")
        return None if value is None else str(value)
    return st.text_input(label, question.guess or "", key=f"ask.{question.field}")
