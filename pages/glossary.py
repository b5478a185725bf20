"""Words: every term of the pages in one plain sentence."""

from __future__ import annotations

import streamlit as st

from pages.components import session
from pages.components.problems import shown
from pages.components.study_picker import open_page
from pages.words.terms import TERMS


def main() -> None:
    open_page("words", "Words", "What do the words on these pages mean?", "find")
    asked = st.text_input(
        "Find a word", type="search", placeholder="such as: niche", max_chars=60, width=420,
        **session.bound("find", session.get("find") or ""),
    )  # fmt: skip
    wanted = (asked or "").strip().casefold()
    found = False
    for subject, terms in TERMS.items():
        hits = {term: says for term, says in terms.items() if wanted in f"{term} {says}".casefold()}
        if not hits:
            continue
        found = True
        st.subheader(subject, anchor=False)
        for term, says in hits.items():
            st.markdown(f"**{term}**  \n{says}")
    if not found:
        st.info("No word fits. Every figure also has *How to read this* and *What could fool you* below it.")
        if st.button("Show all words", icon=":material/list:"):
            session.put("find", None)
            st.rerun()


with shown():
    main()
