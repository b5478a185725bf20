"""Quality: how well the model predicts what it did not see, gene by gene, beside honest comparators."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from backend import api
from backend.figures import distributions
from backend.figures import scores as score_figures
from backend.records import RunRecord, StudyRecord
from pages.components import cached, session
from pages.components.figure_card import figure_card, table_download
from pages.components.words import method_title, plain, provenance
from pages.predict.quality_genes import what_goes_with_it
from pages.predict.quality_table import context_table

READ = """Each gene has one score: the Pearson correlation of predicted and measured context over cells that the model
did not see. 1 is perfect, 0 is a guess. The cell itself is left out of the measured context."""
BARS = "A bar counts the genes of one score. Each line is the median of one method, over the same genes and cells."
MEDIAN = """A median hides which genes do well: look yours up in the table below. Genes that few cells express score
low with every method, because what was measured of them is mostly noise."""
FOOL = """With the cell itself in the context, copying a cell's own expression already scores well: that says nothing
about its surroundings. A high score can also be the work of large regions: see *type-mean*."""


def show(study: StudyRecord, run: RunRecord) -> None:
    summary, table = api.summary(run.id), cached.scores(run.id)
    verdict = summary.get("verdict", "")
    st.markdown(f"**{plain(verdict)}**" if verdict else "This run has no verdict.")
    context_table(run)
    loop = st.toggle(
        "Count the cell itself among its surroundings",
        key="loop",
        help="The paper's own convention. Copying a cell's own expression then looks like prediction.",
    )
    name = method_title(run.method)
    rows = table[table["self_loop"] == loop].replace({"method": {run.method: name}})
    own = rows[rows["method"] == name]
    cells = int(own["n_cells"].max()) if len(own) else 0
    caption = provenance(run, cells, f"scored on {'the validation tissue' if run.validation else 'two halves'}")
    draw = partial(score_figures.scores_by_method, rows, name, "Held-out score, by method")
    figure_card(draw, "quality", caption, read=READ, fool=FOOL, table=rows, least_px=480)
    medians = {str(method): float(value) for method, value in rows.groupby("method")["pcc"].median().dropna().items()}
    draw = partial(distributions.score_histogram, own["pcc"], name, medians, "Genes by their score")
    figure_card(draw, "scores", caption, read=BARS, fool=MEDIAN, table=own)
    what_goes_with_it(own, caption)
    st.subheader("Every gene", anchor=False)
    st.caption("Select a row to see that gene on the tissue.")
    wide = rows.pivot_table(index="gene", columns="method", values="pcc", aggfunc="mean")
    first = [name, *sorted(set(wide.columns) - {name})]
    facts = own.groupby("gene")[["srcc", "detection", "n_cells", "constant"]].mean()
    facts["detection"] *= 100
    _gene_table(wide[first].join(facts).sort_values(name, ascending=False).reset_index(), first)
    table_download(table, f"resitu-scores-{run.id}.csv", "Download all scores (CSV)")


def _gene_table(shown: pd.DataFrame, methods: list[str]) -> None:
    names = {method: st.column_config.NumberColumn(method, format="%.2f") for method in methods}
    event = st.dataframe(
        shown,
        hide_index=True,
        height=420,
        on_select="rerun",
        selection_mode="single-row",
        key="genes",
        column_config={
            "gene": "Gene",
            **names,
            "srcc": st.column_config.NumberColumn("Spearman", format="%.2f"),
            "detection": st.column_config.NumberColumn("% of cells", format="%.1f", help="Where it was found."),
            "n_cells": st.column_config.NumberColumn("Cells", format="localized"),
            "constant": st.column_config.CheckboxColumn("Constant", help="The same around every cell: not scored."),
        },
    )
    picked = event.selection.rows
    if picked and st.button(f"Show {plain(shown['gene'][picked[0]])} on the tissue", icon=":material/map:"):
        session.put("gene", str(shown["gene"][picked[0]]))
        session.put("view", "map")
        st.rerun()
