"""Attention: which groups of reference cells each tissue cell was read from."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from backend import api
from backend.figures import maps
from backend.figures.imputed import attention as figures
from backend.figures.palette import Theme
from backend.figures.points import Measure
from backend.records import RunRecord, StudyRecord
from pages.components import cached, session
from pages.components.cached import imputed
from pages.components.choice import segments
from pages.components.figure_card import Draw, figure_card
from pages.components.selection import clicked
from pages.components.words import method_title, plain, provenance
from pages.imputed.attending import cell as cell_view
from pages.imputed.attending import controls, groups
from pages.imputed.attending.centroids import Centroids, centroids_of

SHOWN = {"dominant": "Dominant centroid", "entropy": "Entropy", "top2_gap": "Top-2 gap"}
READ = {
    "dominant": """Each point is a tissue cell, in the colour of the reference type from whose centroid most of its
imputed expression was read. Click a cell to see all its weights below.""",
    "entropy": """High (yellow): the cell was read from many centroids alike, the method did not decide. Low: from one.
In nats; the most possible is the logarithm of the number of centroids. Click a cell to see its weights.""",
    "top2_gap": """The largest weight of the cell minus the second largest. Near 1: one centroid alone; near 0: at least
two compete. Click a cell to see its weights.""",
}
FOOL = """Weights say where a prediction was read, not that the cell *is* of that type, nor why. A type that the
reference lacks is read from the nearest other, and may be so with low entropy. What shuffled labels give is shown at
the bottom."""


def show(study: StudyRecord, run: RunRecord) -> None:
    table = cached.left(api.imputed.attention, run.id)
    if table is None:
        st.info(
            f"{plain(method_title(run.method))} does not attend: it keeps no record of where a prediction was read. "
            "CASPER does.",
            icon=":material/info:",
        )
        if st.button("Train CASPER", icon=":material/arrow_forward:"):
            session.hand_over("train", method="casper")
            st.switch_page("training.py")
        return
    found = centroids_of(study, run)
    row = _chosen(run, table)
    measure = session.one_of("measure", list(SHOWN), "dominant") or "dominant"
    segments("Colour by", SHOWN, "measure", measure)
    where = provenance(
        run, int(table["entropy"].notna().sum()), f"{api.dataset(run.tissue).name}: weights of the model"
    )
    draw = _map(run, table, found, measure, row)
    event = figure_card(draw, f"attention-{measure}", where, read=READ[measure], fool=FOOL, table=table)
    picked = clicked(event)
    if picked is not None and picked != st.session_state.get("attention.clicked"):
        st.session_state["attention.clicked"] = picked
        session.put("cell", str(cached.obs(run.tissue).index[picked]))
        st.rerun()
    cell_view.show(run, found, row)
    groups.show(study, run, found, table)
    controls.show(study, run)


def _chosen(run: RunRecord, table: pd.DataFrame) -> int:
    """The row of the cell that the URL names; the least doubtful cell where it names none."""
    names = cached.obs(run.tissue).index.astype(str)
    asked = session.get("cell")
    first = int(np.nanargmin(table["entropy"].to_numpy(dtype=np.float64)))
    if asked not in names:
        session.put("cell", names[first])
        return first
    return int(np.flatnonzero(names == asked)[0])


def _map(run: RunRecord, table: pd.DataFrame, found: Centroids, measure: str, row: int) -> Draw:
    places, title = imputed.places(run), f"{SHOWN[measure]} of each cell"
    if measure == "dominant":
        types = found.types_of(table["dominant"].to_numpy())
        draw: Draw = partial(maps.map_types, places, types, found.colours, title, legend="read from", predicted=True)
    else:
        unit = "nats" if measure == "entropy" else ""
        value = Measure(table[measure].to_numpy(dtype=np.float32), SHOWN[measure], unit, predicted=True)
        draw = partial(maps.map_values, places, value, title)

    def marked(*, theme: Theme) -> go.Figure:
        return figures.mark_cell(draw(theme=theme), places, row, theme)

    return marked
