"""What a niche job found: where both groups lie, where the cut is, which genes differ, and what chance would find."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from backend import api
from backend.figures import distributions, embeddings, maps, volcano
from backend.figures.palette import NICHE_COLOURS, Theme
from backend.figures.points import Places
from backend.records import JobStatus
from pages.components import cached
from pages.components.figure_card import Draw, figure_card, table_download
from pages.components.words import plain, provenance

GROUP = "group, predicted"
READ = """*Clustered* cells are predicted to have many cells around them that express the gene, *isolated* ones few.
Only cells of the chosen type are split; the rest are grey."""
OTHERS = """The groups are predicted, not measured: a cell in a dense group on the map need not be *clustered*.
A type that is rare where the gene is common can fall to one side by chance."""
SMOOTH = """Any list of numbers can be cut in two. One broad hill without a dip means that there are hardly two groups;
try other thresholds by hand and see whether the same genes remain."""
CUT = """Each bar counts cells of the type. *Otsu's* threshold is the cut that makes both sides most alike within."""
VOLCANO = """Each point is a gene. Right: higher in clustered cells; left: higher in isolated ones. The higher a point,
the surer the difference (Wilcoxon, corrected for the number of genes)."""
FOOL = """The groups come from a prediction that was made from these cells' own expression, so genes differ by
construction. Trust what other genes' splits do not find, and what a tissue shows too."""


def show(job: JobStatus) -> None:
    found, params = cached.left(api.niche, job.id), job.params
    run, record, facts = api.run(params["run"]), api.dataset(params["dataset"]), found.facts
    type_, gene = params["type"], params["gene"]
    st.subheader(f"{plain(type_)} in {plain(record.name)}, split by {plain(gene)} around the cell", anchor=False)
    st.caption(plain(f"The split is predicted by {facts['predicted_by']}; expression is measured."))
    caption = provenance(run, facts["cells"], f"{record.name}: groups predicted, expression measured")
    left, right = st.columns([3, 2])
    with left:
        figure_card(_where(job, found.cells), "niche-where", caption, read=READ, fool=OTHERS, table=found.cells)
    with right:
        axis = f"{gene} around the cell, predicted share"
        values = found.cells["context"]
        draw = partial(distributions.threshold_histogram, values, facts["threshold"], "Where the cut is", axis)
        cut = f"Threshold {facts['threshold']:.3f} ({facts['threshold_from']}). {caption}"
        figure_card(draw, "niche-cut", cut, read=CUT, fool=SMOOTH, table=found.cells[["cell", "context", "group"]])
        for warning in facts["warnings"]:
            st.warning(plain(warning), icon=":material/warning:")
    draw = partial(volcano.volcano, found.table, f"{type_}: clustered against isolated by {gene} around the cell")
    figure_card(draw, "volcano", caption, read=VOLCANO, fool=FOOL, table=found.table)
    _chance(facts)
    _table(found.table, job.id)


def _where(job: JobStatus, cells: pd.DataFrame) -> Draw:
    dataset_id, title = job.params["dataset"], f"{job.params['type']} by {job.params['gene']} around the cell"
    obs = cached.obs(dataset_id)
    groups = pd.Series("other cells", index=obs.index, dtype=object)
    groups.loc[cells["cell"]] = cells["group"].to_numpy()
    if api.dataset(dataset_id).role == "reference":

        def embed(*, theme: Theme) -> go.Figure:
            figure = embeddings.embed_types(obs["umap_1"], obs["umap_2"], groups, NICHE_COLOURS, title, theme, GROUP)
            maps.frame_predicted(figure, theme)
            return figure

        return embed
    places = Places(obs["x_um"], obs["y_um"], obs["section"])
    return partial(maps.map_types, places, groups, NICHE_COLOURS, title, legend=GROUP, predicted=True)


def _chance(facts: dict[str, Any]) -> None:
    """How many genes differ, beside what random groups and other genes' splits find among the same cells."""
    null, agreement = facts["null"], facts.get("agreement")
    cards = [
        ("Genes that differ", f"{facts['significant']:,}", f"FDR below 0.05, of {facts['tested']:,} tested."),
        (
            "By random groups",
            f"{null['expected']:.1f}",
            f"Mean of {null['shuffles']} shuffles; at most {null['most']:,}.",
        ),
        (
            "Not read by the model",
            f"{facts['significant_not_read']:,} of {facts['not_read']:,}" if facts["not_read"] else "none there",
            "Genes that differ and were no input of the model, of all such genes that were tested.",
        ),
    ]
    if "others" in null:
        said = f"Median of {null['others']} splits by other genes; 90 % find {null['others_low']:,.0f} to "
        cards.insert(
            2, ("By other genes' splits", f"{null['others_median']:,.0f}", f"{said}{null['others_high']:,.0f}.")
        )
    if agreement:
        said = f"AUROC over {agreement['cells']:,} cells; shuffled cells reach {agreement['chance_high']:.2f}."
        cards.append(("Agreement with the tissue", f"{agreement['auroc']:.2f}", said))
    with st.grid(5, min_column_width=150):
        for label, value, explained in cards:
            st.metric(label, value, help=explained, border=True)


def _table(table: pd.DataFrame, job_id: str) -> None:
    number = st.column_config.NumberColumn
    shares = ("detection_clustered", "detection_isolated")
    shown = table[["gene", "log2_fc", "fdr", "p", "auroc", *shares, "read_by_model"]]
    st.dataframe(
        shown.assign(**{name: np.round(shown[name] * 100, 1) for name in shares}),
        hide_index=True,
        height=380,
        column_config={
            "gene": "Gene",
            "log2_fc": number(
                "log2 fold change", format="%.2f", help="Mean normalised expression, clustered / isolated."
            ),
            "fdr": number("FDR", format="%.2g", help="Benjamini–Hochberg over the genes tested."),
            "p": number("p", format="%.2g", help="Wilcoxon rank-sum, two-sided."),
            "auroc": number("AUROC", format="%.2f", help="0.5: no difference."),
            "detection_clustered": number("% of clustered", format="%.1f"),
            "detection_isolated": number("% of isolated", format="%.1f"),
            "read_by_model": st.column_config.CheckboxColumn("Read by the model"),
        },
    )
    with st.container(horizontal=True):
        table_download(table, f"resitu-{job_id}.csv")
        if st.button("Which pathways differ?", icon=":material/arrow_forward:"):
            st.session_state["pathways.source"] = job_id
            st.switch_page("enrichment.py")
