"""Niches: one cell type split by what is around it, and the genes that differ."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from backend import api
from backend.records import JobState, JobStatus, RunRecord, StudyRecord
from pages.components import cached, session
from pages.components.choice import select
from pages.components.gene_search import gene_search
from pages.components.job_panel import job_panel
from pages.components.links import follow, linked_job
from pages.components.problems import empty, shown
from pages.components.study_picker import open_page
from pages.components.words import plain
from pages.niche import result


def main() -> None:
    question = "How do cells of one type differ between one neighbourhood and another?"
    place = open_page("niche", "Niches", question, "dataset", "type", "job", contexts=True)
    if place.study is None or place.run is None:
        empty("Niches need a model of what is around cells.", "Train a model", "training.py")
        return
    if not api.has_result(place.run.id):
        empty("The chosen run has no result yet.", "See how it stands", "training.py")
        return
    asked = linked_job("niche")
    with shown():
        follow(asked, "dataset", "type", "gene")
        _choose(place.study, place.run, asked)
    if asked:
        with shown():
            job = job_panel(asked.id, "Splitting and comparing")
            if job.state is JobState.SUCCEEDED:
                result.show(job)


def _where(run: RunRecord) -> dict[str, str]:
    """Data sets with predictions for cells that the model did not see."""
    tissue = (run.validation, "the validation tissue (map)")
    if not run.validation:
        tissue = (run.tissue, "the tissue (map), each half by the other's model")
    return {dataset_id: name for dataset_id, name in (tissue, (run.reference, "the reference (UMAP)")) if dataset_id}


def _choose(study: StudyRecord, run: RunRecord, asked: JobStatus | None) -> None:
    names = _where(run)
    dataset_id = session.one_of("dataset", list(names)) or run.reference
    found = cached.types(study, dataset_id)
    counts = found.table["type"].astype(str).value_counts()
    with st.container(border=True):
        with st.grid(3, min_column_width=240):
            select("In", names, "dataset", dataset_id)
            types = {str(name): f"{name} ({cells:,})" for name, cells in counts.items()}
            type_ = session.one_of("type", list(types))
            select("split the cells of type", types, "type", type_)
            with st.container():
                gene = gene_search(study, run, "by what is around them: gene")
        st.caption(plain(found.source))
        if gene and type_:
            chosen = {"run": run.id, "dataset": dataset_id, "type": type_, "gene": gene}
            mine = (found.table["type"].astype(str) == type_).to_numpy()
            _launch(chosen, cached.predicted(run.id, dataset_id, gene)[mine], asked)


def _launch(chosen: dict[str, str], values: NDArray[np.float32], asked: JobStatus | None) -> None:
    """values: the gene's prediction for the cells of the type."""
    same = asked is not None and chosen.items() <= asked.params.items()
    threshold = None
    by_hand = "Choose the threshold by hand"
    if st.toggle(by_hand, key="by hand", help="Otherwise Otsu's, computed from the predictions."):
        known = values[np.isfinite(values)]
        low, middle, high = (float(end) for end in np.quantile(known, [0.01, 0.5, 0.99])) if len(known) else (0, 0, 0)
        low = max(round(low, 3), 0.001)
        high = max(round(high, 3), low + 0.001)
        start = asked.result.get("threshold", middle) if asked and same else middle  # Otsu's, if it was found before
        label = f"Clustered: at least this share of the cells around express {plain(chosen['gene'])}"
        key = f"threshold.{'.'.join(chosen.values())}"
        threshold = st.slider(label, low, high, min(max(start, low), high), 0.001, format="%.3f", key=key)
    if st.button("Split and compare", type="primary", icon=":material/play_arrow:"):
        run, dataset_id, type_, gene = chosen.values()
        session.put("job", api.start_niche(run, dataset_id, type_, gene, threshold).id)
        st.rerun()


with shown():
    main()
