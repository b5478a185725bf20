"""One tissue cell: its weights over the centroids, as bars and on the reference's UMAP."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from backend import api
from backend.figures.imputed import attention as figures
from backend.records import RunRecord
from pages.components import cached, session
from pages.components.figure_card import figure_card
from pages.components.words import count, plain, provenance
from pages.imputed.attending.centroids import Centroids

READ_BARS = """Each bar is a centroid: a group of similar reference cells, named by its number and the type of most of
them. The longer, the more of this cell's imputed expression was read from it. The tick is the same weight averaged
over all tissue cells: a bar well beyond its tick is what sets this cell apart."""
READ_UMAP = """Grey: the reference's cells. Each disc is a centroid at the mean of its cells; its area is the weight
that this tissue cell gives it."""
FOOL = """A weight is where a prediction was read, not proof that the cell is of that type. A centroid that lies
between two groups on the UMAP may hold cells of both; distances in a UMAP mean little."""


def show(run: RunRecord, found: Centroids, row: int) -> None:
    names = cached.obs(run.tissue).index.astype(str)
    st.subheader("One cell", anchor=False)
    st.text_input(
        "Cell", help="Click one on the map, or write its name.", width=420, **session.bound("cell", names[row])
    )
    weights = cached.left(api.imputed.attention_of_cell, run.id, row).set_index("centroid")["weight"]
    if not np.isfinite(weights).all():
        st.info("This cell has no count of the genes that are read: nothing was imputed for it.")
        return
    table = found.table.assign(weight=weights.reindex(found.table.index), usual=usual(run)).reset_index()
    first = table.nlargest(1, "weight").iloc[0]
    st.markdown(
        f"**{plain(names[row])}** was read for {first['weight']:.0%} from centroid {plain(first['name'])} "
        f"({count(first['cells'], 'reference cell')})."
    )
    caption = provenance(run, 1, f"{api.dataset(run.tissue).name}: cell {names[row]}")
    left, right = st.columns(2)
    with left:
        draw = partial(figures.weight_bars, table, f"Weights of cell {names[row]}")
        figure_card(draw, "attention-cell", caption, read=READ_BARS, fool=FOOL, table=table)
    if found.table[["umap_1", "umap_2"]].notna().any(axis=None):
        with right:
            draw = partial(figures.centroids_on_umap, found.cells, table, "The same weights on the reference")
            figure_card(draw, "attention-umap", caption, read=READ_UMAP, fool=FOOL, table=table)


def usual(run: RunRecord) -> pd.Series:
    """Each centroid's weight, averaged over all tissue cells."""
    cells = len(cached.obs(run.tissue))
    return api.imputed.attention_by(run.id, np.zeros(cells, dtype=int)).set_index("centroid")["weight"]
