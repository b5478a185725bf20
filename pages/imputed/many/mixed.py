"""Two or three genes in one map."""

from __future__ import annotations

from functools import partial

import streamlit as st

from backend import api
from backend.figures.imputed import overlay
from backend.records import RunRecord, StudyRecord
from pages.components import cached
from pages.components.cached import imputed
from pages.components.figure_card import figure_card
from pages.components.words import provenance
from pages.imputed.many import chosen

READ = """Each gene has an ink, from none of it (its 1 %) to all of it (its 99 %). Where genes meet in one cell, their
inks mix as the legend shows. The colours stay apart for readers who see fewer of them."""
FOOL = """A mixture says that both are high *for themselves*, not that there is as much of one as of the other. Two
imputed genes may meet because they were read from the same cells of the atlas: gate on one that was measured."""


def show(study: StudyRecord, run: RunRecord) -> None:
    genes = chosen.choose_genes(run, overlay.MOST, first=2)
    held_out = chosen.choose_panel()
    chosen.badges(run, genes)
    if len(genes) < 2:
        st.info("Choose a second gene to mix it with.", icon=":material/palette:")
        return
    shown = [chosen.measure(study, run, gene, held_out) for gene in genes]
    draw = partial(overlay.overlay, imputed.places(run), shown, f"{', '.join(genes)} in the cell")
    obs, tissue = cached.obs(run.tissue), api.dataset(run.tissue)
    caption = provenance(run, len(obs), f"{tissue.name}; {chosen.where(shown)}")
    figure_card(draw, "mixed", caption, read=READ, fool=FOOL, table=chosen.drawn(shown, obs.index))
