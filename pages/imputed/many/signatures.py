"""A signature: a list of genes as one score per cell, and how right that score is."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from backend import api
from backend.figures.imputed.panels import Panel, maps_beside, shared_range
from backend.figures.maps import map_values
from backend.figures.points import Measure
from backend.records import RunRecord, StudyRecord
from pages.components import cached, session
from pages.components.cached import imputed
from pages.components.figure_card import figure_card
from pages.components.words import count, plain, provenance
from pages.imputed.many import chosen
from pages.imputed.table import names_in

UNIT = "mean standard score"
READ = """Each gene is brought to mean 0 and variance 1 over the tissue; the score of a cell is the mean over the list:
of what was measured where the panel has the gene, of what is imputed elsewhere."""
FOOL = """A signature averages noise away, its own genes' errors too, but not an error that they share: genes imputed
from the same cells are wrong together. A list that mostly lists genes of one type shows where that type is."""
TESTED = """The list's panel genes alone: left as measured, in the middle as imputed while each was hidden, right the
second minus the first. The scores above compare the first two, as they do for single genes."""
FLATTERS = """While one gene of the list was hidden the others could be read, which helps with it: a list of which no
gene was measured does worse. What the score says of the panel's genes need not hold for those off the panel."""


def show(study: StudyRecord, run: RunRecord) -> None:
    asked = names_in(session.get("genes") or "") or chosen.start(imputed.genes(run), 8)
    st.text_area("Genes of the signature", height=80, **session.bound("genes", ", ".join(asked)))
    found = cached.left(_signature, run.id, ",".join(asked), study.id)
    if found.left_out:
        st.info(f"Left out, not imputed by this run: {plain(', '.join(found.left_out))}.", icon=":material/info:")
    _scores(found)
    places, obs, tissue = imputed.places(run), cached.obs(run.tissue), api.dataset(run.tissue)
    said = f"{tissue.name}; {count(len(found.genes), 'gene')}, of which {len(found.off_panel)} imputed"
    measure = Measure(found.values, "signature", UNIT, predicted=bool(found.off_panel))
    draw = partial(map_values, places, measure, "Signature in the cell")
    table = pd.DataFrame({"cell": obs.index, "signature": found.values})
    caption = provenance(run, len(obs), said)
    figure_card(draw, "signature", caption, read=READ, fool=FOOL, table=table)
    if found.measured is None or found.held_out is None:
        st.caption("Fewer than two of its genes were measured here, so it cannot be tested.")
        return
    before = Measure(found.measured, "signature", UNIT)
    after = Measure(found.held_out, "signature", UNIT, predicted=True)
    limits = shared_range(before, after)
    panels = (
        Panel("Measured", Measure(before.values, before.title, UNIT, limits=limits)),
        Panel("Imputed, genes hidden", Measure(after.values, after.title, UNIT, True, limits=limits), same=True),
        Panel("Difference", Measure(after.values - before.values, "imputed − measured", UNIT, True, True)),
    )
    draw = partial(maps_beside, places, panels, "The signature’s panel genes, tested")
    table = pd.DataFrame({"cell": obs.index, "measured": before.values, "imputed": after.values})
    figure_card(draw, "signature-test", caption, read=TESTED, fool=FLATTERS, table=table, least_px=980)


def _signature(run_id: str, genes: str, study_id: str) -> api.imputed.Signature:
    return api.imputed.signature(run_id, genes.split(","), study_id)


def _scores(found: api.imputed.Signature) -> None:
    if not found.scores:
        return
    tested = len(found.genes) - len(found.off_panel)
    st.markdown(f"Tested on its {count(tested, 'panel gene')}, imputed while hidden:")
    names = {"pcc": "r per cell", "pcc_depth_partial": "r without depth", "pcc_bin": "r over bins", "srcc": "Spearman"}
    with st.grid(4, min_column_width=110):
        for key, name in names.items():
            value = found.scores[key]
            st.metric(name, f"{value:.2f}".replace("-", "−") if np.isfinite(value) else "–")
