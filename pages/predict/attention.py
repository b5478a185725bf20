"""Attention: which genes the model looked at when it placed a type, or one cell."""

from __future__ import annotations

from functools import partial

import streamlit as st

from backend import api
from backend.figures import attention as figures
from backend.records import RunRecord, StudyRecord
from pages.components import cached, session
from pages.components.choice import select
from pages.components.figure_card import figure_card
from pages.components.words import provenance

ALL = "all"
READ = """The longer the bar, the more weight the model's summary token gave to the gene. For a type it is the mean over
its cells. The genes are those *in* the cell that the model read, not those around it."""
HEAT = """A row is a cell type, a column a gene *in* the cell; the lighter, the more the model looked at it, on average
over the type's cells. Only each type's 20 strongest genes are kept; the others are drawn as zero."""
FOOL = """Attention says where the model looked, not why, and not what would change if the gene did. Genes of high
expression come first in what the model reads, and may be looked at for that alone."""
FEW = 500  # cells of a type that one can choose from


def show(study: StudyRecord, run: RunRecord) -> None:
    if run.config.get("encoder") != "transformer":
        st.info(
            "This run has no attention: its encoder is the fast one (mlp). Train with the encoder *transformer* "
            "(Train, Advanced) to see which genes it looks at.",
            icon=":material/info:",
        )
        if st.button("Train one", icon=":material/arrow_forward:"):
            st.switch_page("training.py")
        return
    record, means = api.dataset(run.reference), cached.attention(run.id, cell="")
    types = sorted(means["type"].astype(str).unique())
    if len(types) > 1:
        draw = partial(figures.attention_heat, means, "Attention by cell type")
        caption = provenance(run, record.n_cells, f"{record.name}, mean over the cells of a type")
        figure_card(draw, "attention-types", caption, read=HEAT, fool=FOOL, table=means, least_px=640)
    chosen = session.one_of("type", types)
    cells = cells_of(run, chosen)
    with st.grid(2, min_column_width=240):
        select("Cell type", {name: name for name in types}, "type", chosen)
        names = {ALL: f"all {len(cells):,} cells of the type", **{cell: cell for cell in cells[:FEW]}}
        cell = session.one_of("cell", list(names), ALL)
        several = f"The first {FEW} of {len(cells):,}." if len(cells) > FEW else None
        select("Cell", names, "cell", cell, help=several)
    rows = means if cell == ALL else cached.attention(run.id, cell=cell)
    rows = rows[rows["type"] == chosen].nlargest(20, "weight")
    who = f"{chosen}, mean of its cells" if cell == ALL else f"cell {cell} ({chosen})"
    draw = partial(figures.attention_bars, rows, f"Attention: {who}")
    caption = provenance(run, len(cells) if cell == ALL else 1, f"{record.name}: {who}")
    figure_card(draw, "attention", caption, read=READ, fool=FOOL, table=rows)


def cells_of(run: RunRecord, chosen: str | None) -> list[str]:
    """The reference's cells of a type as the data name it; where they name none, all are one."""
    obs = cached.obs(run.reference)
    return list(map(str, obs.index[obs["type"].astype(str) == chosen] if "type" in obs else obs.index))
