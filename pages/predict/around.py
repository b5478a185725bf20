"""Reference cells: which surroundings each dissociated cell is predicted to come from."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from backend import api
from backend.figures import embeddings
from backend.figures.points import Measure
from backend.records import RunRecord, StudyRecord
from pages.components import cached
from pages.components.figure_card import figure_card
from pages.components.gene_search import gene_search
from pages.components.words import plain, provenance

READ = """Each point is a dissociated cell; its colour says which share of its former neighbours is predicted to have
expressed the gene. It is not the gene's expression *in* that cell."""
TYPES = "Each point is the same cell as on the left. A type has the same colour on every page of the study."
UMAP = """Distances between far groups, and the sizes of groups, mean little in a UMAP. Types that were transferred or
grouped by a program carry its errors along."""
FOOL = """The dissociated cells have no measured surroundings, so nothing on this page was checked: the score was taken
on tissue. A type that the tissue lacks still gets a prediction."""


def show(study: StudyRecord, run: RunRecord) -> None:
    gene = gene_search(study, run)
    if not gene:
        return
    record, obs = api.dataset(run.reference), cached.obs(run.reference)
    values = cached.predicted(run.id, run.reference, gene)
    found = cached.types(study, run.reference)
    measure = Measure(values, gene, "share of cells around", predicted=True)
    left, right = st.columns(2)
    with left:
        draw = partial(embeddings.embed_values, obs["umap_1"], obs["umap_2"], measure, f"{gene} around the cell")
        drawn = pd.DataFrame({"cell": obs.index, "predicted": values})
        caption = provenance(run, len(values), f"{record.name}; predicted, not measured")
        figure_card(draw, "around", caption, read=READ, fool=FOOL, table=drawn)
    with right:
        if not len(found.table):
            st.info(plain(found.source))
            return
        types = found.table["type"].astype(str).to_numpy()
        title = "The same cells by type"
        draw = partial(embeddings.embed_types, obs["umap_1"], obs["umap_2"], types, cached.colours(study), title)
        caption = f"{len(types):,} cells of {record.name}. {found.source}"
        figure_card(draw, "types", caption, read=TYPES, fool=UMAP, table=found.table)
