"""What an enrichment job found: a dot per set, the running score of one, the table, and against which background."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from backend import api
from backend.figures import enrichment as figures
from backend.records import JobStatus
from pages.components import cached, session
from pages.components.choice import segments, select
from pages.components.figure_card import figure_card, table_download
from pages.components.words import method_title, plain

READ = """Each row is a gene set. Right of zero its genes gather at the top of the ranked list, left of zero at the
bottom. Larger dots hold more genes; colour is the false discovery rate as gseapy gives it."""
RUNNING = """From the top of the ranked list to its end, the curve rises at each gene of the set (ticks) and falls
elsewhere. A peak near either end means that the set's genes gather there."""
LEADING = """A set of few genes draws a jagged curve, and one gene at the top can make its peak. Which genes
do it stands in the table as the leading edge."""
FOOL = """Only ranked genes can be found: the background is this list, not the genome. Sets that share genes rise
together, and small sets rise by chance more often."""


RANKINGS = {"plain": "As scored", "adjusted": "Without spread and detection"}
ADJUSTED = """ The ranking is what is left of each gene's score after its trend with how much its context varies and how
often it is detected: a set that stays is predicted well for more than that."""


def show(job: JobStatus) -> None:
    found = cached.left(api.enrichment, job.id)
    facts, table, curves, read = found.facts, found.table, found.curves, READ
    well = job.params["kind"] == "scores"
    st.subheader(f"{'What the model predicts well: ' if well else ''}{plain(facts['library'])}", anchor=False)
    st.markdown(f"Ranked by {plain(facts['ranked_by'])}.")
    st.caption(plain(f"{facts['background']} Names: {facts['names']}."))
    for warning in facts["warnings"]:
        st.warning(plain(warning), icon=":material/warning:")
    caption = f"{facts['ranked']:,} genes ranked by {facts['ranked_by']} · {_ranked_in(job)} · gseapy prerank, seed "
    caption += f"{facts['seed']}"
    drawn, title, metric = table, facts["library"], "r" if well else "z"
    if found.adjusted is not None:
        which = session.one_of("ranking", list(RANKINGS), "plain") or "plain"
        segments("Ranking", RANKINGS, "ranking", which, label_visibility="collapsed")
        if which == "adjusted":
            drawn, curves, read = without_trend(table), found.adjusted, READ + ADJUSTED
            title, metric = f"{title}, without spread and detection", "r, residual"
            caption += " · residuals of the scores"
    dots = partial(figures.dot_plot, drawn, title)
    figure_card(dots, "pathways", caption, read=read, fool=FOOL, table=table)
    _running(curves, drawn, metric, caption)
    _table(table, job.id)


def without_trend(table: pd.DataFrame) -> pd.DataFrame:
    """The same sets with their adjusted numbers, the surest first."""
    names = {f"{name}_adjusted": name for name in ("nes", "p", "fdr", "fdr_bh", "leading_edge")}
    adjusted = table.drop(columns=list(names.values())).rename(columns=names)
    return adjusted.sort_values(["fdr", "p"], kind="stable").reset_index(drop=True)


def _ranked_in(job: JobStatus) -> str:
    """The analysis that the ranking comes from."""
    source = job.params["source"]
    if job.params["kind"] == "scores":
        run, where = api.run(source), "its held-out scores"
    else:
        niche = api.job(source).params
        run, where = api.run(niche["run"]), f"{niche['type']} by {niche['gene']} around the cell"
        where += f" in {api.dataset(niche['dataset']).name}"
    return f"{method_title(run.method)} v{run.version}, seed {run.seed}: {where}"


def _running(curves: pd.DataFrame, table: pd.DataFrame, metric: str, caption: str) -> None:
    drawn = set(curves["set"].astype(str))
    names = [name for name in table["set"].astype(str) if name in drawn]
    chosen = session.one_of("set", names)
    select("Gene set", {name: name for name in names}, "set", chosen, help="The surest sets of the table.")
    if not chosen:
        return
    one = curves[curves["set"] == chosen].sort_values("rank")
    hits = np.flatnonzero(one["hit"].to_numpy())
    draw = partial(figures.running_score, one["score"], hits, one["metric"], chosen, ranked_by=metric)
    row = table.set_index("set").loc[chosen]
    said = f"NES {row['nes']:.2f}, FDR {row['fdr']:.2g} (gseapy), {row['fdr_bh']:.2g} (Benjamini–Hochberg)"
    figure_card(draw, "running", f"{said}. {caption}", read=RUNNING, fool=LEADING, table=one)


def _table(table: pd.DataFrame, job_id: str) -> None:
    number = st.column_config.NumberColumn
    st.dataframe(
        table,
        hide_index=True,
        column_order=[
            "set",
            "set_size",
            "size",
            "nes",
            "p",
            "fdr_bh",
            "fdr",
            "nes_adjusted",
            "p_adjusted",
            "fdr_bh_adjusted",
            "leading_edge",
        ],
        column_config={
            "set": st.column_config.TextColumn("Gene set", width="large"),
            "nes": number("NES", format="%.2f", help="Normalised enrichment score."),
            "fdr": number("FDR q (gseapy)", format="%.2g", help="From the null of all sets' NES."),
            "fdr_bh": number("FDR (BH)", format="%.2g", help="Benjamini–Hochberg of the nominal p."),
            "nes_adjusted": number("NES, adjusted", format="%.2f", help="Without the trend with context spread."),
            "p": number("p", format="%.2g", help="Nominal, by permutation of the genes."),
            "p_adjusted": number("p, adjusted", format="%.2g"),
            "fdr_bh_adjusted": number("FDR (BH), adjusted", format="%.2g"),
            "size": number("Ranked genes", format="localized"),
            "set_size": number("Genes in the set", format="localized"),
            "leading_edge": "Leading edge",
        },
    )
    table_download(table, f"resitu-{job_id}.csv")
