"""Niches: one cell type split by what is around it, and the genes that differ."""

from __future__ import annotations

import numpy as np
import streamlit as st

from backend import api
from backend.records import JobState, RunRecord, StudyRecord
from pages.components import cached, session
from pages.components.gene_search import gene_search
from pages.components.job_panel import job_panel
from pages.components.problems import empty, shown
from pages.components.study_picker import open_page
from pages.components.words import plain
from pages.niche import result


def main() -> None:
    question = "How do cells of one type differ between one neighbourhood and another?"
    place = open_page("niche", "Niches", question, "dataset", "type", "job")
    if place.study is None or place.run is None:
        empty("Niches need a trained model.", "Train a model", "training.py")
        return
    if not api.has_result(place.run.id):
        empty("The chosen run has no result yet.", "See how it stands", "training.py")
        return
    asked = session.get("job")
    with shown():
        session.follow(asked, "dataset", "type", "gene")
        _choose(place.study, place.run)
    if asked:
        with shown():
            job = job_panel(asked, "Splitting and comparing")
            if job.state is JobState.SUCCEEDED:
                result.show(place.run, job)


def _choose(study: StudyRecord, run: RunRecord) -> None:
    names = {run.reference: "the reference (UMAP)"}
    if run.validation:
        names = {run.validation: "the validation tissue (map)"} | names
    dataset_id = session.one_of("dataset", list(names)) or run.reference
    found = cached.types(study, dataset_id)
    counts = found.table["type"].astype(str).value_counts()
    with st.container(border=True):
        with st.grid(3, min_column_width=240):
            st.selectbox("In", list(names), format_func=names.__getitem__, **session.bound("dataset", dataset_id))
            type_ = session.one_of("type", list(counts.index))
            st.selectbox(
                "split the cells of type",
                list(counts.index),
                format_func=lambda name: f"{name} ({counts[name]:,})",
                **session.bound("type", type_),
            )
            with st.container():
                gene = gene_search(study, run, "by what is around them: gene")
        st.caption(plain(found.source))
        if gene and type_:
            _launch(run, dataset_id, type_, gene)


def _launch(run: RunRecord, dataset_id: str, type_: str, gene: str) -> None:
    threshold = None
    if st.toggle(
        "Choose the threshold by hand", key="by hand", help="Otherwise Otsu's, computed from the predictions."
    ):
        values = cached.predicted(run.id, dataset_id, gene)
        low, middle, high = (float(end) for end in np.nanquantile(values, [0.01, 0.5, 0.99]))
        label = f"Clustered: at least this share of the cells around express {plain(gene)}"
        threshold = st.slider(label, low, max(high, low + 0.001), middle, 0.001, format="%.3f")
    if st.button("Split and compare", type="primary", icon=":material/play_arrow:"):
        session.put("job", api.start_niche(run.id, dataset_id, type_, gene, threshold).id)
        st.rerun()


with shown():
    main()
