"""Put back: where dissociated cells would have stood on the tissue, who would have stood in a region, how surely."""

from __future__ import annotations

import streamlit as st

from backend import api
from backend.records import JobState, RunRecord, StudyRecord
from pages.components import cached, session
from pages.components.choice import segments
from pages.components.job_panel import job_panel
from pages.components.words import plain
from pages.predict.put_back import cells, region, test

VIEWS = {
    "cells": ("Where did these cells stand?", cells.show),
    "region": ("Who stood here?", region.show),
    "test": ("How sure is that?", test.show),
}


def show(study: StudyRecord, run: RunRecord) -> None:
    job = api.context.find_put_back(run.id)
    if job is None:
        _offer(run)
        return
    if job_panel(job.id, "Learning where cells fit, and testing it").state is not JobState.SUCCEEDED:
        return
    asked = session.one_of("ask", list(VIEWS)) or "cells"
    segments("Question", {key: name for key, (name, _) in VIEWS.items()}, "ask", asked, label_visibility="collapsed")
    found = cached.left(api.context.put_back, job.id)
    if asked != "test":
        st.caption(plain(f"How far to trust it: {found.facts['verdict']}"))
    VIEWS[asked][1](study, run, job)


def _offer(run: RunRecord) -> None:
    tissue = api.dataset(api.context.put_back_tissue(run))
    st.markdown(
        "Choose cells of the reference, and see on the tissue where what the model predicts around them, and what they "
        "express, fit best. First the fit of cells and places is learnt and tested: the positions of some tissue cells "
        "are hidden, the cells are put back, and the distance to where they truly stood is measured."
    )
    st.caption(plain(f"On {tissue.name}, {tissue.n_cells:,} cells. It takes seconds to a few minutes, once per run."))
    if st.button("Get ready", type="primary", icon=":material/play_arrow:"):
        api.context.start_put_back(run.id)
        st.rerun()
