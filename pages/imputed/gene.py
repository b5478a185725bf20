"""One gene: may I print it, what do its maps show, and does it say more than the cell's type?"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from backend import api
from backend.records import RunRecord, StudyRecord
from pages.components import session
from pages.components.cached import imputed
from pages.components.trust_badge import VERDICTS
from pages.components.words import plain
from pages.imputed.one import maps, verdict


def show(study: StudyRecord, run: RunRecord) -> None:
    gene = _search(run)
    if gene is None:
        return
    card, layers = imputed.card(run, gene), imputed.layers(study, run, gene)
    verdict.show(run, card)
    maps.compare(study, run, card, layers)
    maps.beyond_type(run, card, layers)


def best_gene(table: pd.DataFrame) -> str:
    """The best verdict and, of those, the best score over bins: what one sees first shows what the method can do."""
    place = table["verdict"].map({verdict: place for place, verdict in enumerate(VERDICTS)})
    order = table.assign(place=place).sort_values(["place", "score_bin"], ascending=[True, False], na_position="last")
    return str(order["gene"].iloc[0])


def _search(run: RunRecord) -> str | None:
    """The gene to show, or None with the reason on the page."""
    table = imputed.genes(run)
    if not session.get("gene"):
        session.put("gene", best_gene(table))
    asked, genes = session.get("gene") or "", table["gene"].tolist()
    known = set(genes)
    st.selectbox(
        "Search a gene",
        genes if asked in known else [asked, *genes],
        accept_new_options=True,
        width=420,
        help="A symbol, an Ensembl id or an alias: on your panel or in the atlas.",
        **session.bound("gene", asked),
    )
    if asked in known:
        return asked
    row = api.imputed.ask_genes(run.id, [asked]).iloc[0]
    if row["found"] == "":
        st.caption(f"{plain(asked)} is called {plain(row['gene'])} here.")
        return str(row["gene"])
    if row["found"] == "not imputed":
        st.info(
            f"**{plain(row['gene'])}** is known, but this run has not imputed it: it is missing in the tissue or "
            "in the atlas, or was seen in no cell.",
            icon=":material/info:",
        )
    else:
        told = f"**{plain(asked)}** is unknown: neither tissue nor atlas has it."
        st.warning(told, icon=":material/search_off:")
    near = [name for name in str(row["near"]).split(", ") if name]
    if near and (picked := st.pills("Perhaps you meant", near, key=f"suggest.{asked}")):
        session.put("gene", picked)
        st.rerun()
    return None
