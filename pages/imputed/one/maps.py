"""The maps of one gene: measured beside imputed, or imputed beside what is known of an unmeasured gene; and what is
left of it once the average of each cell's type is taken away."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from backend import api
from backend.figures.imputed.panels import maps_beside
from backend.records import RunRecord, StudyRecord
from pages.components import session
from pages.components.cached import imputed
from pages.components.choice import segments
from pages.components.figure_card import figure_card
from pages.components.words import provenance
from pages.imputed.one import panels, selected

LEAST_PX = 980
READ = """Left what was measured, in the middle what the method imputes for the same cells without having seen the gene,
right the second minus the first. *Same ranks* deals the measured values out in the imputed order, because imputed
values shrink and would look pale: only places differ then. Draw around cells to compare them with the others."""
FOOL = """Imputed maps are smoother than tissue: a sharp border may be the method's. Where a whole region differs in
depth, any gene seems to follow it (see *r without depth*). Cells of a type that the atlas lacks borrow another
type's profile: they are hatched out."""
READ_OFF = """Left what the method imputes; in the middle how wide the 90 % interval around each value is, which says
where it is least sure; right a measured gene that goes with this one in the atlas. If the two maps disagree, one of
them is wrong here, or the two genes part ways in this tissue."""
FOOL_OFF = """Nothing here was tested on this gene. Relatives are relatives in the atlas: in your tissue they may not go
together. A narrow interval around 0 only says that few cells are expected to show the gene."""
READ_TYPE = """Left the imputed gene, in the middle the mean of it over all cells of the cell's type, right the first
minus the second: what the map says beyond the cell type. Grey there means that the type says it all."""
FOOL_TYPE = """Types that were drawn too coarsely leave subtypes in what is left; types named by expression of the same
genes take some of it away. A pattern on the right is only as good as its test above."""


NO_MATCH = """No match with the atlas is finished, so cells of types that it lacks cannot be hatched out: see *Prepare*,
*Atlas*."""


def compare(study: StudyRecord, run: RunRecord, card: api.imputed.GeneCard, layers: panels.Layers) -> None:
    """measured | imputed | difference, or imputed | interval width | nearest measured relative."""
    places = imputed.places(run)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        look = panels.choose_look(places, layers)
        if layers.measured is None:
            shown = panels.off_panel(layers, _relative(study, run, card.gene), look)
        else:
            shown = panels.against_truth(layers, layers.measured, look)
    draw = partial(maps_beside, places, shown, f"{card.gene} in the cell", hatched=panels.hatched(layers))
    said = "held out: imputed without having seen the gene" if card.measured else "never measured; imputed, not tested"
    caption = provenance(run, len(layers.imputed), f"{api.dataset(run.tissue).name}; {said}")
    read, fool = (READ, FOOL) if card.measured else (READ_OFF, FOOL_OFF)
    table = selected.values(run, layers)
    drawn = figure_card(draw, "imputed", caption, read=read, fool=fool, table=table, least_px=LEAST_PX)
    selected.show(drawn, places, layers)
    job = imputed.match_job(study, run)
    if job is None or not job.finished:
        st.caption(NO_MATCH)


def beyond_type(run: RunRecord, card: api.imputed.GeneCard, layers: panels.Layers) -> None:
    """imputed | type mean | what is left, with its test in words."""
    st.subheader("Beyond the type average?", anchor=False)
    st.markdown(_test_words(card))
    title = f"{card.gene} beyond the cell’s type"
    draw = partial(maps_beside, imputed.places(run), panels.beyond(layers), title, hatched=panels.hatched(layers))
    kinds = len(np.unique(layers.types.astype(str)))
    caption = provenance(run, len(layers.imputed), f"{api.dataset(run.tissue).name}; means over {kinds} types")
    table = selected.values(run, layers)
    figure_card(draw, "beyond", caption, read=READ_TYPE, fool=FOOL_TYPE, table=table, least_px=LEAST_PX)


def _relative(study: StudyRecord, run: RunRecord, gene: str) -> panels.Layers | None:
    """The measured relative that somebody chose, the nearest by default."""
    found = api.imputed.nearest_measured(run.id, gene)
    if found.empty:
        return None
    names = {str(row.relative): f"{row.relative} (r {row.r:.2f})" for row in found.itertuples()}
    chosen = session.one_of("relative", list(names)) or ""
    segments("Relatives measured here", names, "relative", chosen, help="Genes that go with it in the atlas.")
    return imputed.layers(study, run, chosen)


def _test_words(card: api.imputed.GeneCard) -> str:
    left, p = card.numbers.get("beyond_type"), card.numbers.get("beyond_type_p")
    if not card.measured:
        return "Not tested: the gene was never measured, so what is left cannot be compared with anything."
    if left is None or p is None:
        return "Not tested: the gene, or what is imputed, does not vary within types."
    chance = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    told = f"What is left agrees with the measurement within types with r = {left:.2f} ({chance})."
    if left <= 0 or p >= 0.05:
        return f"**No.** {told} The map says no more than the average of the cell’s type: that average can be shown."
    strength = "a little" if left < 0.1 else "clearly"
    return f"**Yes, {strength}.** {told} The map says more than which type a cell is."
