"""What a niche job found: where the two groups lie, where the cut is, which genes differ."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from backend import api
from backend.figures import distributions, embeddings, maps, volcano
from backend.figures.palette import NICHE_COLOURS
from backend.figures.points import Places
from backend.records import JobStatus, RunRecord
from pages.components import cached
from pages.components.figure_card import figure_card, table_download, theme
from pages.components.words import plain, provenance

READ = """*Clustered* cells are predicted to have many cells around them that express the gene, *isolated* ones few.
Only cells of the chosen type are split; the rest are grey."""
VOLCANO = (
    """Each point is a gene. Right: higher in clustered cells; left: higher in isolated ones. The higher, the surer."""
)
FOOL = """The groups come from a prediction that was made from these cells' own expression, so genes may differ by
construction. Trust what goes far beyond the permuted groups, and what a tissue shows too."""


def show(run: RunRecord, job: JobStatus) -> None:
    found, params = cached.niche(job.id, job.finished or ""), job.params
    record, facts = api.dataset(params["dataset"]), found.facts
    st.subheader(f"{plain(params['type'])}, split by {plain(params['gene'])} around the cell", anchor=False)
    st.caption(plain(f"{record.name}, predicted by run {params['run']}"))
    for warning in facts.get("warnings", ()):
        st.warning(plain(warning), icon=":material/warning:")
    caption = provenance(run, len(found.cells), "groups are predicted, expression is measured")
    left, right = st.columns([3, 2])
    with left:
        figure_card(_where(job, found.cells), "niche-where", caption, read=READ, table=found.cells)
    with right:
        title = f"{params['gene']} around {params['type']}"
        axis = f"predicted share of cells around that express {params['gene']}"
        figure = distributions.threshold_histogram(found.cells["context"], facts["threshold"], title, axis, theme())
        figure_card(figure, "niche-cut", caption)
    title = f"Clustered against isolated {params['type']}"
    figure_card(
        volcano.volcano(found.table, title, theme()), "volcano", caption, read=VOLCANO, fool=FOOL, table=found.table
    )
    _null(facts)
    _table(found.table, job.id)


def _where(job: JobStatus, cells: pd.DataFrame) -> go.Figure:
    dataset_id, title = job.params["dataset"], f"{job.params['type']} by {job.params['gene']} around the cell"
    obs = cached.obs(dataset_id)
    groups = pd.Series("other cells", index=obs.index, dtype=object)
    groups.loc[cells["cell"]] = cells["group"].to_numpy()
    if api.dataset(dataset_id).role == "reference":
        return embeddings.embed_types(obs["umap_1"], obs["umap_2"], groups, NICHE_COLOURS, title, theme())
    places = Places(obs["x_um"], obs["y_um"], obs["section"])
    return maps.map_types(places, groups, NICHE_COLOURS, title, theme(), legend="group")


def _null(facts: dict[str, Any]) -> None: ...


def _table(table: pd.DataFrame, job_id: str) -> None:
    st.dataframe(table, hide_index=True, height=380)
    with st.container(horizontal=True):
        table_download(table, f"resitu-{job_id}.csv")
        if st.button("Which pathways differ?", icon=":material/arrow_forward:"):
            st.switch_page("pages/enrichment.py", query_params={"source": job_id})
