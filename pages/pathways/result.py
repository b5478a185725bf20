"""What an enrichment job found: a dot per set, the running score of one, the table, and against which background."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from backend.figures import enrichment as figures
from backend.records import JobStatus, RunRecord
from pages.components import cached, session
from pages.components.figure_card import figure_card, table_download, theme
from pages.components.words import plain

READ = """Each row is a gene set. Right of zero its genes gather at the top of the ranked list, left of zero at the
bottom. Larger dots hold more genes; colour is the false discovery rate."""
FOOL = """Only measured or predicted genes can be found: the background is the ranked list, not the genome. Sets that
share genes rise together."""


def show(run: RunRecord, job: JobStatus) -> None:
    found, params = cached.enrichment(job.id, job.finished or ""), job.params
    sets = Path(params["gene_sets"]).name
    what = (
        "per-gene scores: what the model predicts well, not what is up"
        if params["kind"] == "scores"
        else "differential expression"
    )
    st.subheader(f"{plain(sets)}", anchor=False)
    st.markdown(f"Genes ranked by {what}.")
    if found.facts.get("background"):
        st.caption(plain(found.facts["background"]))
    for warning in found.facts.get("warnings", ()):
        st.warning(plain(warning), icon=":material/warning:")
    if not len(found.table):
        st.info("No gene set has enough genes in this list. Lower the smallest size, or take other sets.")
        return
    caption = f"gseapy prerank, {sets}, {what}; run {run.id}, seed {run.seed}"
    figure_card(
        figures.dot_plot(found.table, f"Gene sets, {sets}", theme()),
        "dots",
        caption,
        read=READ,
        fool=FOOL,
        table=found.table,
    )
    names = list(found.table["set"].astype(str))
    chosen = session.one_of("set", names) or names[0]
    st.selectbox("Gene set", names, **session.bound("set", chosen))
    table_download(found.table, f"resitu-{job.id}.csv")
