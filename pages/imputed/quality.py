"""Quality: what imputed genes look like where they were hidden, how they score, and whether the run's doubts hold."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from backend import api
from backend.figures import scores as score_figures
from backend.figures.imputed import quality as figures
from backend.records import RunRecord, StudyRecord
from pages.components import cached, session
from pages.components.cached import imputed
from pages.components.figure_card import figure_card, table_download
from pages.components.words import method_title, plain, provenance
from pages.imputed.trust import doubts, gallery

LEVELS = {"cell": "single cells", "bin": "50-µm bins", "type": "cell types", "niche": "niches"}
READ_LEVEL = """A box holds the middle half of the genes, its line the median, the whiskers 5 % to 95 %. Each gene's
score is the correlation of imputed and measured values over single cells, over squares of 50 µm, over the means of
cell types and over the means of niches."""
FOOL_LEVEL = """Averages forgive: over types and niches a score can be high although single cells are not told apart,
and few types make few points. Print what the level of your figure supports."""
READ_METHODS = """A box and a point per gene for each method on the same hidden genes and the same cells. The trained
method is in colour, simple ones are grey."""
FOOL_METHODS = """Genes that few cells show score low with every method. *own-total* knows only how many counts a cell
has: what it reaches is depth, not biology."""
READ_DETECTION = """Each point is a gene that was hidden from the method and then compared. To the right: genes
measured in many cells. The colour is the verdict that the rules give."""
FOOL_DETECTION = """A gene seen in one cell of a hundred is mostly noise, and no method can score high on it: a low
score there says little about the method. A high score in a common gene may still be the cell's depth: see the table's
*without depth*."""


def show(study: StudyRecord, run: RunRecord) -> None:
    genes, table = imputed.genes(run), cached.left(api.imputed.imputation_scores, run.id)
    verdict = str(api.summary(run.id).get("verdict", ""))
    if verdict:
        st.markdown(f"**{plain(verdict)}**")
    hidden = genes[genes["measured"]]
    gallery.show(study, run, hidden)
    own = table[table["method"] == run.method]
    where = provenance(run, api.dataset(run.tissue).n_cells, f"{len(hidden):,} genes, each as the fold that hid it")
    _methods(table, run, where)
    left, right = st.columns(2)
    with left:
        draw = partial(figures.scores_by_level, own, LEVELS, "Score, by what one point is")
        figure_card(draw, "levels", where, read=READ_LEVEL, fool=FOOL_LEVEL, table=own)
    with right:
        draw = partial(figures.score_against_detection, hidden, "Score against how often a gene is seen")
        figure_card(draw, "detection", where, read=READ_DETECTION, fool=FOOL_DETECTION, table=hidden)
    doubts.show(run, where)
    _table(own, hidden, run)


def _methods(table: pd.DataFrame, run: RunRecord, where: str) -> None:
    """Beside the comparators that the run itself scored; nothing where there are none."""
    rows = table[table["level"] == "cell"]
    if rows["method"].nunique() < 2:
        return
    named = rows.assign(method=rows["method"].map(method_title))
    draw = partial(score_figures.scores_by_method, named, method_title(run.method), "Held-out score, by method")
    figure_card(draw, "methods", where, read=READ_METHODS, fool=FOOL_METHODS, table=rows, least_px=480)


def _table(own: pd.DataFrame, hidden: pd.DataFrame, run: RunRecord) -> None:
    st.subheader("Every hidden gene", anchor=False)
    st.caption("Select a row to see that gene on the tissue.")
    wide = own.pivot_table(index="gene", columns="level", values="pcc").reindex(columns=list(LEVELS))
    cell = own[own["level"] == "cell"].set_index("gene")[["pcc_depth_partial", "srcc", "ssim_li", "rmse"]]
    facts = hidden.set_index("gene")[["detection_tissue", "verdict"]]
    shown = wide.join(cell).join(facts, how="inner").sort_values("cell", ascending=False).reset_index()
    shown["detection_tissue"] *= 100
    shown["verdict"] = shown["verdict"].map(figures.VERDICT_WORDS)
    number = st.column_config.NumberColumn
    event = st.dataframe(
        shown,
        hide_index=True,
        height=420,
        on_select="rerun",
        selection_mode="single-row",
        key="hidden genes",
        column_config={
            "gene": "Gene",
            **{level: number(f"r, {words}", format="%.2f") for level, words in LEVELS.items()},
            "pcc_depth_partial": number("r without depth", format="%.2f", help="The cell's input total regressed out."),
            "srcc": number("Spearman", format="%.2f"),
            "ssim_li": number("SSIM (Li)", format="%.2f"),
            "rmse": number("RMSE", format="%.2f", help="In log1p units."),
            "detection_tissue": number("% of cells", format="%.1f", help="Where it was measured."),
            "verdict": "Verdict",
        },
    )
    picked = event.selection.rows
    with st.container(horizontal=True):
        table_download(own, f"resitu-scores-{run.id}.csv", "Download all scores (CSV)")
        if picked and st.button(f"Show {plain(shown['gene'][picked[0]])} on the tissue", icon=":material/map:"):
            session.put("gene", str(shown["gene"][picked[0]]))
            session.put("view", "gene")
            st.rerun()
