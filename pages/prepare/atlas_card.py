"""The match card: a verdict in a sentence, numbers, figures, and the types that the atlas lacks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from backend import api
from backend.figures.points import Places
from backend.figures.prepare import match as figures
from backend.records import DatasetRecord, JobStatus, StudyRecord
from pages.components import cached
from pages.components.figure_card import figure_card
from pages.components.words import plain

VERDICTS = {"fits": st.success, "fits in part": st.warning, "does not fit": st.error}
PARTS = {
    "panel": ("Panel", "Share of the panel's genes that the atlas has."),
    "expression": ("Expression", "Spearman's correlation of mean expression over the shared genes."),
    "cells": ("Cells", "Share of cells whose type has a counterpart. Counts twice."),
    "names": ("Names", "Share of cells that the transfer from this atlas names surely."),
    "types": ("Types", "Macro-F1 of atlas cells named by their shared genes, at your tissue's depth, on half of them."),
}
WHY = {
    "profile": "its profile is unlike every atlas type",
    "chance": "no more alike than shuffled genes",
    "transfer": "doubtful: alike in profile, but its cells cannot be named surely",
}
MARKERS = """Each bar is a type of the tissue: pale, all its markers (at most 20, found in the tissue itself); full,
those that the atlas measured too. Hatched: a type without a counterpart."""
MARKERS_FOOL = """A type with few markers on the panel may be lost with a single one of them. That a marker is shared
does not mean that the atlas has a type that expresses it: see the table below."""
GENES = """Each point is a shared gene. On the dotted line both data sets show it alike; below it the tissue shows
less of it than the atlas."""
GENES_FOOL = """Points spread because platforms catch genes unequally, and because the two hold types in other shares.
Neither says that a type is missing."""
MAP = """Crosses: cells whose type has no counterpart in the atlas. Whatever is imputed for them comes from cells of
another type: do not trust it."""
MAP_FOOL = """It is judged type by type: a few odd cells in a type that is known do not show. Few shared genes make much
look alike, or unlike, by chance."""


def show(study: StudyRecord, job: JobStatus) -> None:
    found = cached.left(api.match, job.id)
    facts, tissue, atlas = found.facts, api.dataset(study.tissue), api.dataset(study.reference)
    reasons = " ".join(facts["reasons"])
    VERDICTS[facts["verdict"]](f"**{plain(atlas.name)} {facts['verdict']}.** {plain(reasons)}")
    for warning in facts["warnings"]:
        st.warning(plain(warning), icon=":material/warning:")
    _numbers(facts)
    caption = (
        f"{facts['tissue_sample']:,} cells of {tissue.name}, {facts['atlas_sample']:,} of {atlas.name} · "
        f"{facts['shared']:,} shared genes, log-normalised · seed {facts['seed']}"
    )
    with st.grid(2, min_column_width=340):
        title = "Markers of each type that the atlas has too"
        draw = partial(figures.markers_present, found.types, title)
        figure_card(draw, "match-markers", caption, read=MARKERS, fool=MARKERS_FOOL, table=found.types, least_px=460)
        draw = partial(figures.genes_compared, found.genes, "Depth and detection side by side")
        figure_card(draw, "match-genes", caption, read=GENES, fool=GENES_FOOL, table=found.genes, least_px=520)
    _map(tissue, found.cells, caption)
    _lacking(found.types, facts)


def _numbers(facts: Mapping[str, Any]) -> None:
    depth, per_cell = facts["depth"], facts["genes_per_cell"]
    ours, theirs = depth["tissue"], depth["reference"]
    ratio = (
        f"{ours:,.0f} : {theirs:,.0f}"
        if ours and theirs
        else f"{per_cell['tissue']:,.0f} : {per_cell['reference']:,.0f}"
    )
    noun = "Counts" if ours and theirs else "Genes"
    parts = "; ".join(f"{PARTS[name][0].lower()} {value:.2f}" for name, value in facts["parts"].items())
    with st.grid(5, min_column_width=150):
        st.metric("Shared genes", f"{facts['shared']:,} of {facts['panel']:,}", border=True, help=_absent(facts))
        st.metric("Markers present", f"{facts['markers_present']:,} of {facts['markers']:,}", border=True)
        st.metric("Cells with a counterpart", f"{facts['counterpart']:.0%}", border=True)
        explained = "Median over the shared genes. An atlas without counts has no depth: then genes found per cell."
        st.metric(f"{noun} per cell, tissue : atlas", ratio, border=True, help=explained)
        explained = " ".join(f"*{name}*: {said}" for name, said in PARTS.values())
        st.metric("Fit, of 100", f"{facts['fit']:.0f}", border=True, help=f"Weighted geometric mean. {explained}")
    st.caption(plain(f"The fit is made of: {parts}."))


def _absent(facts: Mapping[str, Any]) -> str:
    if not facts["lacking"]:
        return "The atlas has every gene of the panel."
    more = f" and {facts['lacking_more']:,} more" if facts["lacking_more"] else ""
    return plain(f"The atlas lacks {', '.join(facts['lacking'])}{more}.")


def _map(tissue: DatasetRecord, cells: pd.DataFrame, caption: str) -> None:
    obs = cached.obs(tissue.id)
    places = Places(obs["x_um"], obs["y_um"], obs.get("section"))
    title = "Cells whose type has no counterpart in the atlas"
    drawn = pd.DataFrame({"cell": cells["cell"], "type": cells["type"], "counterpart": cells["counterpart"]})
    draw = partial(figures.map_counterparts, places, cells["counterpart"].to_numpy(), title)
    caption += " · do not trust what is imputed for the crossed cells"
    figure_card(draw, "match-map", caption, read=MAP, fool=MAP_FOOL, table=drawn)


def _lacking(types: pd.DataFrame, facts: Mapping[str, Any]) -> None:
    """Types without a counterpart first; the others can be looked at too."""
    gone = types[types["why"] != ""]
    every = st.toggle("Show all types of the tissue", value=gone.empty, key="match.every")
    shown = types if every else gone
    if shown.empty:
        st.markdown("Every type of the tissue has a counterpart in the atlas.")
        return
    number = st.column_config.NumberColumn
    table = shown.assign(why=shown["why"].map(WHY).fillna(""), probability=100 * shown["probability"])
    columns: dict[str, Any] = {
        "type": "Type of the tissue", "cells": number("Cells"), "counterpart": "Counterpart",
        "nearest": "Nearest in the atlas",
        "distance": number("Distance", format="%.2f", help="1 is the limit: farther away, a type has no counterpart."),
        "probability": number("Name's probability, %", format="%.0f", help="Median over the type's cells."),
        "why": "Why", "marker_genes": "Its markers",
    }  # fmt: skip
    st.dataframe(table[list(columns)], column_config=columns, hide_index=True)
    if facts["grouped"]:
        st.caption(
            "Types that came from an atlas would find themselves in it: groups of similar cells stand in for them."
        )
