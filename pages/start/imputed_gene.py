"""A gene that the panel lacks, as the run imputed it that this study has chosen."""

from __future__ import annotations

from functools import partial

import streamlit as st

from backend import api
from backend.errors import NotFound
from backend.figures.imputed.panels import Panel, maps_beside
from backend.figures.points import Measure
from backend.records import RunRecord, StudyRecord
from pages.components import cached, session
from pages.components.cached import imputed
from pages.components.figure_card import figure_card
from pages.components.trust_badge import verdict_badge
from pages.components.words import plain, provenance
from pages.imputed.one import panels

READ = """Each point is a cell; its colour says how much of the gene the method imputes for it. The verdict above says
whether that may be printed; cells that are hatched out are like none in the atlas."""
FOOL = """Nothing of the gene was measured here, so no score of its own exists: its verdict is what measured genes like
it earned when they were hidden. An imputed map is smoother than tissue."""


def chosen_run(study: StudyRecord, gene: str) -> RunRecord | None:
    """The study's imputation, if it has one that holds the gene and is of the tissue in use."""
    try:
        run = api.run(study.imputer) if study.imputer else None
    except NotFound:  # deleted meanwhile
        return None
    if run is None or run.data[:2] != study.data[:2] or not api.has_result(run.id):
        return None
    return run if gene in set(imputed.genes(run)["gene"]) else None


def show(study: StudyRecord, run: RunRecord, gene: str) -> None:
    card, layers = imputed.card(run, gene), imputed.layers(study, run, gene)
    numbers = card.numbers
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(gene)}** is not on your panel; imputed by {plain(api.cards()[run.method].title)}:")
        verdict_badge(card.verdict, numbers["score" if card.measured else "predicted_score"], card.measured)
        if st.button("Why, and how sure", icon=":material/arrow_forward:", type="tertiary"):
            session.put("run", run.id)
            session.put("gene", gene)
            session.hand_over("predict", view="gene")
            st.switch_page("prediction.py")
    shown = (Panel("Imputed, never measured", Measure(layers.imputed, gene, panels.unit_of(layers), predicted=True)),)
    draw = partial(maps_beside, imputed.places(run), shown, f"{gene} in the cell", hatched=panels.hatched(layers))
    caption = provenance(
        run, len(layers.imputed), f"{api.dataset(run.tissue).name}; never measured; imputed, not tested"
    )
    obs = cached.obs(run.tissue)
    table = obs[["section", "x_um", "y_um"]].assign(imputed=layers.imputed, low=layers.low, high=layers.high)
    figure_card(draw, "home-imputed", caption, read=READ, fool=FOOL, table=table.reset_index())
