"""Layers and heads, under Advanced."""

from __future__ import annotations

from functools import partial

import streamlit as st

from backend import api
from backend.figures.context import attention as figures
from pages.components import session
from pages.components.choice import segments, select
from pages.components.figure_card import figure_card
from pages.predict.attending.scope import Scope
from pages.predict.attending.words import CURVE_FOOL, FOOL

MEASURES = {"moved": "Change without its genes", "spread": "Spread over genes", "by_rank": "Follows rank"}
READ = {
    "moved": """How far predictions move, on average over the tested cells, without the eight genes that a head (or the
mean of a layer's heads) looks at most. Empty: not tried, a large backbone has too many heads.""",
    "spread": """Among how many genes the weight is shared: the exponential of its entropy, mean over the tested cells.
One: a single gene has it all.""",
    "by_rank": """Spearman's correlation between a gene's weight and its place in the cell, mean over the tested cells.
1: the first genes have most; 0: places do not matter; -1: the last have most.""",
}
READ_HEADS = """A row is a head of the chosen layer, a column a gene *in* the cell; the lighter, the more it was looked
at. Each head's 15 strongest genes are kept; the others are drawn as zero."""


def show(found: api.context.AttentionTest, scope: Scope, where: str, everyone: str) -> None:
    with st.expander("Advanced: layers and heads", icon=":material/tune:"):
        table = found.tables["parts"]
        known = [name for name in MEASURES if table[name].notna().any()]
        measure = session.one_of("measure", known, known[0]) or known[0]
        segments("Measure", {name: MEASURES[name] for name in known}, "measure", measure)
        draw = partial(figures.parts_heat, table, measure, f"Layers and heads: {figures.PARTS[measure][0]}")
        figure_card(
            draw, f"attention-{measure}", everyone, read=READ[measure], fool=CURVE_FOOL, table=table, least_px=520
        )
        layers = {str(layer): f"Layer {layer + 1}" for layer in sorted(table["layer"].unique())}
        layer = session.one_of("layer", list(layers), list(layers)[-1])
        select("Layer", layers, "layer", layer, width=240, help="The last is what a prediction is read from.")
        rows = scope.heads(found)
        rows = rows[rows["layer"] == int(layer or 0)]
        draw = partial(figures.heads_heat, rows, f"{layers[layer or '0']} by head: {scope.name}")
        figure_card(draw, "attention-heads", where, read=READ_HEADS, fool=FOOL, table=rows, least_px=640)
