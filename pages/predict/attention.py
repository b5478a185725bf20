"""Attention: which genes the model looked at when it placed a type, or one cell."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from backend.figures import attention as attention_figures
from backend.records import RunRecord, StudyRecord
from pages.components import cached, session
from pages.components.figure_card import figure_card, theme
from pages.components.words import plain, provenance

READ = """The longer the bar, the more weight the model's summary token gave to the gene, on average over the cells."""
FOOL = """Attention says where the model looked, not why, and not what would change if the gene did."""


def show(study: StudyRecord, run: RunRecord) -> None:
    if run.config.get("encoder") != "transformer":
        st.info(
            "This run has no attention: its encoder is the fast one (mlp). Train with the encoder *transformer* "
            "(Train, Advanced) to see which genes it looks at.",
            icon=":material/info:",
        )
        return
    table = cached.attention(run.id)
    types = sorted(table["type"].astype(str).unique())
    chosen = session.one_of("type", types)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox("Cell type", types, width=280, **session.bound("type", chosen))
        cells = cells_of(table, chosen)
        cell = session.one_of("cell", ["all", *cells], "all")
        st.selectbox(
            "Cell", ["all", *cells], format_func=lambda c: "all cells of the type" if c == "all" else c, width=280,
            **session.bound("cell", cell),
        )  # fmt: skip
    of_type = table[table["type"] == chosen]
    rows = of_type[of_type["cell"] == ("" if cell == "all" else cell)].nlargest(20, "weight")
    who = f"{chosen}, all its cells" if cell == "all" else f"cell {cell} ({chosen})"
    figure = attention_figures.attention_bars(rows, f"Genes the model looked at: {who}", theme())
    figure_card(figure, "attention", provenance(run, max(len(cells), 1), plain(who)), read=READ, fool=FOOL, table=rows)


def cells_of(table: pd.DataFrame, chosen: str | None) -> list[str]:
    """Cells of a type that have a row of their own ("" is the type's mean)."""
    names = table.loc[(table["type"] == chosen) & (table["cell"] != ""), "cell"].astype(str).unique()
    return list(names[:500])
