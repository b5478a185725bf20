"""Types or niches by centroid, beside the same with shuffled labels, and how decided the method was."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from backend import api
from backend.figures.imputed import attention as figures
from backend.records import RunRecord, StudyRecord
from pages.components import cached, session
from pages.components.choice import segments
from pages.components.figure_card import figure_card
from pages.components.words import provenance
from pages.imputed.attending.centroids import Centroids

BY = {"type": "By cell type", "niche": "By niche"}
READ = """Top: the mean weight that the cells of each group give to each centroid. Below: the same with the cells'
labels shuffled, where all rows are alike. What differs between the two is what the groups have to do with the
weights."""
FOOL = """Cell types that were transferred from the same reference agree with its centroids by construction. Niches
were found from the tissue's own genes and are the fairer test."""
READ_ENTROPY = """How decided the method was, over all cells: 0 nats, each read from one centroid; at the dashed line,
from all alike."""
FOOL_ENTROPY = (
    """Decided is not right. Few centroids make low entropies easy: the dashed line moves with their number."""
)


def show(study: StudyRecord, run: RunRecord, found: Centroids, table: pd.DataFrame) -> None:
    st.subheader("Groups of cells", anchor=False)
    by = session.one_of("by", list(BY), "type") or "type"
    segments("Groups", BY, "by", by, label_visibility="collapsed")
    cells = api.imputed.run_cells(run.id)
    labels = cached.names(study, run.tissue) if by == "type" and run.tissue == study.tissue else cells[by].to_numpy(str)
    means = api.imputed.attention_by(run.id, labels)
    if by == "niche":
        means["group"] = means["group"].str.replace("group", "niche")
    where = provenance(
        run, int(table["entropy"].notna().sum()), f"{api.dataset(run.tissue).name}: weights of the model"
    )
    title = "Cell types by centroid" if by == "type" else "Niches by centroid"
    draw = partial(figures.groups_by_centroid, means, found.names, title, group=by)
    shuffles = f"{where} · labels shuffled 20 times, seed 0"
    figure_card(draw, f"attention-by-{by}", shuffles, read=READ, fool=FOOL, table=means, least_px=700)
    most = float(np.log(max(len(found.table), 1)))
    draw = partial(figures.entropy_histogram, table["entropy"], most, "How decided the method was")
    figure_card(draw, "attention-decided", where, read=READ_ENTROPY, fool=FOOL_ENTROPY, table=table)
