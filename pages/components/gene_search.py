"""Find a gene: by symbol or alias as the data have it, with a sentence that says where it is known, and its trust."""

from __future__ import annotations

import streamlit as st

from backend import api
from backend.records import RunRecord, StudyRecord
from pages.components import cached, session
from pages.components.trust_badge import best_gene, trust, trust_badge
from pages.components.words import plain


def gene_search(study: StudyRecord, run: RunRecord, label: str = "Gene") -> str | None:
    """The gene whose context can be shown, or None with the reason on the page."""
    scores, genes = cached.scores(run.id), api.context_genes(run.id)
    if not session.get("gene"):
        session.put("gene", best_gene(scores, run))
    asked = session.get("gene") or ""
    st.selectbox(
        label,
        genes if asked in genes else (asked, *genes),
        accept_new_options=True,
        width=420,
        help="Type a symbol, an Ensembl id or an alias that your data know.",
        **session.bound("gene", asked),
    )
    hit = api.find_gene(study.id, run.id, asked)
    name = hit.name or asked
    if hit.status == "on your panel" and name in genes:
        called = "" if name == asked else f"{plain(asked)} is called {plain(name)} here: "
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{called or plain(name) + ' is '}on your panel.", width="content")
            trust_badge(trust(scores, run, name))
        return name
    if hit.status == "in the reference":
        st.info(
            f"**{plain(name)}** is in the reference but not on your panel. SCXM learns what is *around* a cell from "
            "the tissue, so it can only predict genes that the tissue measured.",
            icon=":material/info:",
        )
    elif hit.status == "on your panel":
        st.info(f"**{plain(name)}** is on your panel, but this run does not predict it.", icon=":material/info:")
    else:
        st.warning(f"**{plain(asked)}** is unknown: neither tissue nor reference has it.", icon=":material/search_off:")
    if hit.suggestions:
        picked = st.pills("Perhaps you meant", list(hit.suggestions), key=f"suggest.{asked}")
        if picked:
            session.put("gene", picked)
            st.rerun()
    return None
