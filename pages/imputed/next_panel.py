"""What to measure next: genes that tell most about what the panel leaves open, and what such a list was worth."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from backend import api
from backend.figures.imputed import next_panel as figures
from backend.figures.imputed.quality import VERDICT_WORDS
from backend.records import JobState, RunRecord, StudyRecord
from pages.components import cached, session
from pages.components.cached import imputed
from pages.components.choice import segments
from pages.components.figure_card import figure_card, table_download
from pages.components.job_panel import job_panel
from pages.components.words import plain

COUNTS = {str(count): f"{count} genes" for count in (20, 40, 60, 100)}
READ_TEST = """The rule was tried where the answer is known. Half of the shared genes played the panel, genes of the
other half were added to it by each way of choosing, and the genes that stayed hidden were imputed with and without
them. A dot is one half (and one draw, for random genes); a bar is their mean."""
FOOL_TEST = """Half a panel leaves more open than a whole one, so the true gain will be smaller. It is a gain for genes
that stay unmeasured; a gene that is measured needs no imputation at all, whichever it is."""
READ_LIST = """The genes in the order in which to take them. A bar is how much of all other unmeasured genes one
explains beyond the panel and beyond the genes before it, counted in genes: 1 is as much as one gene whole. A gene that
repeats what is known has a short bar."""
FOOL_LIST = """The list comes from the reference: what varies only in your tissue is not in it. Whether a probe can be
made, and whether its signal crowds others out, is not asked here."""


def show(study: StudyRecord, run: RunRecord) -> None:
    st.markdown(
        "Which genes, added to this panel, would tell most about what imputation cannot settle? The list is chosen in "
        "the reference; the rule itself is then tried on your own tissue, on genes whose answer is known."
    )
    count = session.one_of("count", list(COUNTS), "40") or "40"
    segments("How many", COUNTS, "count", count)
    job = api.imputed.find_next_panel(study.id, int(count))
    if job is None:
        if st.button("Choose genes", type="primary", icon=":material/playlist_add:"):
            api.imputed.start_next_panel(study.id, int(count))
            st.rerun()
        return
    job = job_panel(job.id, f"Choosing {count} genes")
    if job.state is not JobState.SUCCEEDED:
        return
    found = cached.left(api.imputed.next_panel, job.id)
    st.markdown(f"**{plain(said(found.facts))}**")
    _figures(study, found)
    _table(run, found.genes, job.id)


def said(facts: dict[str, Any]) -> str:
    """What the test found, in a sentence: better than chance, or not."""
    if not facts["tested"]:
        return f"This list could not be tested: {facts['why_not']}"
    chance = facts["against"]["random"]
    rise = f"raised the mean r of the genes that stayed hidden by {chance['rule']:+.4f} (from {facts['base']:.3f})"
    start = (
        f"In the test {facts['added']} genes chosen by this rule {rise}; as many random genes by {chance['other']:+.4f}"
    )
    if chance["difference"] > 0 and chance["p"] < 0.05:
        p = "< 0.001" if chance["p"] < 0.001 else f"= {chance['p']:.3f}"
        return f"{start} (p {p} over {chance['genes']:.0f} genes)."
    return f"{start}: no better than chance here (p = {chance['p']:.2f} over {chance['genes']:.0f} genes)."


def _figures(study: StudyRecord, found: api.imputed.NextPanel) -> None:
    facts = found.facts
    tissue, atlas = api.dataset(study.tissue).name, api.dataset(study.reference).name
    where = f"seed {facts['seed']} · chosen in {atlas} from {facts['proposed_from']:,} genes"
    if facts["tested"]:
        tested = (
            f"{facts['halves']} halves of {facts['shared']:,} shared genes, {facts['added']} genes added, "
            f"{facts['draws']} random draws each · imputed by correlation-weighted transfer · {tissue}, {where}"
        )
        draw = partial(figures.expected_gain, found.tests, "What the rule was worth where the answer is known")
        figure_card(draw, "next-test", tested, read=READ_TEST, fool=FOOL_TEST, table=found.tests)
    draw = partial(figures.proposed, found.genes, "What to measure next")
    caption = f"{len(found.genes)} genes · {where}"
    figure_card(draw, "next-genes", caption, read=READ_LIST, fool=FOOL_LIST, table=found.genes)


def _table(run: RunRecord, genes: pd.DataFrame, job_id: str) -> None:
    st.subheader("The list", anchor=False)
    known = imputed.genes(run).set_index("gene")[["predicted_score", "verdict"]]
    shown = genes.join(known, on="gene")
    shown[["open", "detection_reference"]] *= 100
    shown["verdict"] = shown["verdict"].map(VERDICT_WORDS)
    number = st.column_config.NumberColumn
    st.dataframe(
        shown,
        hide_index=True,
        height=420,
        placeholder="–",
        column_config={
            "rank": "Place",
            "gene": "Gene",
            "gain": number("Explains (genes)", format="%.2f", help="Of the others, beyond those before it."),
            "cumulative": number("In all", format="%.1f"),
            "open": number("% left open", format="%.0f", help="Of its own variance, once the panel is known."),
            "detection_reference": number("% of reference cells", format="%.0f"),
            "nearest": "Nearest on the panel",
            "nearest_r": number("r with it", format="%.2f"),
            "helps": "Helps most",
            "predicted_score": number("Predicted r now", format="%.2f", help="Of this run; not tested."),
            "verdict": "Verdict now",
        },
    )
    with st.container(horizontal=True):
        table_download(genes, f"resitu-next-panel-{job_id}.csv", "Download the list (CSV)")
        st.popover("Copy the names", icon=":material/content_copy:").code("\n".join(genes["gene"].astype(str)))
