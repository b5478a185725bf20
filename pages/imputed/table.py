"""A list of genes: paste them, and see which may be printed."""

from __future__ import annotations

import re
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from backend import api
from backend.records import RunRecord, StudyRecord
from pages.components import session
from pages.components.cached import imputed
from pages.components.figure_card import table_download
from pages.components.trust_badge import VERDICTS
from pages.components.words import count, plain, provenance

MOST = 500
SHOWN = ["verdict", "gene", "score", "score_partial", "score_bin", "predicted", "beyond_type", "reasons"]


def names_in(text: str) -> list[str]:
    """Gene names from whatever was pasted: lines, commas, tabs, quotes."""
    found = (name.strip("'\"") for name in re.split(r"[\s,;|]+", text))
    return list(dict.fromkeys(name for name in found if name))


def show(study: StudyRecord, run: RunRecord) -> None:
    text = st.text_area(
        "Paste genes",
        placeholder="CXCL13, CD8A, FOXP3, …",
        help="Symbols, aliases or Ensembl ids, in any order, with commas, spaces or lines between them.",
        height=110,
        **session.bound("genes", session.get("genes") or ""),
    )
    asked = names_in(text)[:MOST]
    table = api.imputed.ask_genes(run.id, asked) if asked else _every_gene(run)
    if not asked:
        st.caption("Nothing pasted: these are all genes of the run, the most trusted first.")
    _tally(table)
    shown = _as_shown(table, study, run)
    st.dataframe(
        shown[["verdict", "link", *SHOWN[2:]]],
        hide_index=True,
        height=min(640, 38 + 35 * len(shown)),
        placeholder="–",
        column_config=_columns(),
    )
    tissue, tested = api.dataset(run.tissue), "held-out scores; predicted ones were not tested"
    st.caption(plain(provenance(run, tissue.n_cells, f"{tissue.name}; {tested}")))
    table_download(table.drop(columns="near", errors="ignore"), f"resitu-genes-{run.id}.csv")
    _unknown(table)


def _every_gene(run: RunRecord) -> pd.DataFrame:
    table = imputed.genes(run)
    place = table["verdict"].map({verdict: place for place, verdict in enumerate(VERDICTS)})
    score = table["score"].fillna(table["predicted_score"])
    order = pd.DataFrame({"place": place, "score": -score}).sort_values(["place", "score"]).index
    return table.loc[order[:MOST]].assign(asked=table["gene"], found="", near="")


def _tally(table: pd.DataFrame) -> None:
    with st.container(horizontal=True, gap="small"):
        for verdict, (color, word, icon) in VERDICTS.items():
            st.badge(f"{word}: {int((table['verdict'] == verdict).sum()):,}", color=color, icon=icon)


def _as_shown(table: pd.DataFrame, study: StudyRecord, run: RunRecord) -> pd.DataFrame:
    known = table[table["found"] == ""]
    at = {"study": study.id, "run": run.id, "view": "gene"}
    return known.assign(
        verdict=known["verdict"].map({verdict: [word] for verdict, (_, word, _) in VERDICTS.items()}),
        link=[f"predict?{urlencode(at | {'gene': gene})}#{gene}" for gene in known["gene"]],
        predicted=known["predicted_score"].where(~known["measured"].astype(bool)),
        reasons=known["reasons"].str.replace("\n", " "),
    )


def _columns() -> dict[str, Any]:
    words = [word for _, word, _ in VERDICTS.values()]
    colors = [color for color, _, _ in VERDICTS.values()]
    number = partial(st.column_config.NumberColumn, format="%.2f", width="small")
    return {
        "verdict": st.column_config.MultiselectColumn("May I print it?", options=words, color=colors, width=170),
        "link": st.column_config.LinkColumn("Gene", display_text=r"#(.*)$", help="Opens the gene's maps.", width=110),
        "score": number("r per cell", help="Where the gene was hidden."),
        "score_partial": number("without depth"),
        "score_bin": number("over bins"),
        "predicted": number("r predicted", help="Off the panel: not tested."),
        "beyond_type": number("beyond type", help="Within cell types, what is left of the gene."),
        "reasons": st.column_config.TextColumn("Why", width="large"),
    }


def _unknown(table: pd.DataFrame) -> None:
    for found, said in (("not imputed", "known, but not imputed by this run"), ("unknown", "in neither data set")):
        rows = table[table["found"] == found]
        if len(rows):
            told = [f"{asked} (perhaps {near})" if near else asked for asked, near in zip(rows["asked"], rows["near"])]
            st.info(f"{count(len(rows), 'gene')} {said}: {plain(', '.join(told))}.", icon=":material/info:")
