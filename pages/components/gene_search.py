"""Find a gene: by symbol or alias as the data has it, with a sentence that says where it is known."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from backend import api
from backend.records import RunRecord, StudyRecord
from pages.components import session
from pages.components.words import plain


def gene_search(
    study: StudyRecord, run: RunRecord, genes: Sequence[str], default: str, label: str = "Gene"
) -> str | None:
    """The gene whose context can be shown, or None with the reason on the page."""
    asked = session.get("gene") or default
    options = list(genes) if asked in genes else [asked, *genes]
    st.selectbox(
        label,
        options,
        accept_new_options=True,
        help="Type a symbol, an Ensembl id or an alias that your data know.",
        **session.bound("gene", asked),
    )
    hit = api.find_gene(study.id, run.id, asked)
    name = hit.name or asked
    if hit.status == "on your panel" and name in genes:
        if name != asked:
            st.caption(f"{plain(asked)} is called {plain(name)} here: on your panel.")
        else:
            st.caption(f"{plain(name)} is on your panel.")
        return name
    if hit.status == "on your panel":
        st.info(f"**{plain(name)}** is on your panel, but this run did not learn it: the reference lacks it.")
    elif hit.status == "in the reference":
        st.info(
            f"**{plain(name)}** is in the reference but not on your panel. SCXM learns what is *around* a cell from "
            "the tissue, so it can only predict genes that the tissue measured.",
            icon=":material/info:",
        )
    else:
        st.warning(f"**{plain(asked)}** is unknown: neither tissue nor reference has it.", icon=":material/search_off:")
    if hit.suggestions:
        picked = st.pills("Perhaps you meant", list(hit.suggestions), key=f"suggest.{asked}")
        if picked:
            session.put("gene", picked)
            st.rerun()
    return None
