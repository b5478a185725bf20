"""Up to twelve genes at a glance."""

from __future__ import annotations

from functools import partial

from backend import api
from backend.figures.imputed import mosaic as figures
from backend.records import RunRecord, StudyRecord
from pages.components import cached
from pages.components.cached import imputed
from pages.components.figure_card import figure_card
from pages.components.words import provenance
from pages.imputed.many import chosen

READ = """One map per gene over the same cells; what is imputed stands in a dashed frame. Each gene has its own colour
range, from its 1 % to its 99 %. Look for places that light up together."""
FOOL = """Colours cannot be compared between genes: yellow is *high for this gene*. Imputed genes are read from the same
cells, so they resemble each other more than measured genes would."""


def show(study: StudyRecord, run: RunRecord) -> None:
    genes = chosen.choose_genes(run, figures.MOST, first=8)
    held_out = chosen.choose_panel()
    chosen.badges(run, genes)
    shown = [chosen.measure(study, run, gene, held_out) for gene in genes]
    draw = partial(figures.mosaic, imputed.places(run), shown, f"{len(shown)} genes in the cell")
    obs, tissue = cached.obs(run.tissue), api.dataset(run.tissue)
    caption = provenance(run, len(obs), f"{tissue.name}; {chosen.where(shown)}")
    figure_card(draw, "mosaic", caption, read=READ, fool=FOOL, table=chosen.drawn(shown, obs.index), least_px=980)
