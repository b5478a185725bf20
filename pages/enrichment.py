"""Pathways: which gene sets gather at one end of a ranked list."""

from __future__ import annotations

import streamlit as st

from backend import api
from backend.records import JobState, RunRecord
from pages.components import session
from pages.components.job_panel import job_panel
from pages.components.problems import empty, shown
from pages.components.study_picker import open_page
from pages.components.words import when
from pages.pathways import result

SCORES = "How well each gene is predicted (not what is up or down)"
UPLOAD = "My own gene sets (GMT file)"


def main() -> None:
    question = "Which pathways stand out in a comparison, or among what the model predicts well?"
    place = open_page("pathways", "Pathways", question, "source", "sets", "job", "set")
    if place.study is None or place.run is None:
        empty("Pathways need a trained model.", "Train a model", "training.py")
        return
    if not api.has_result(place.run.id):
        empty("The chosen run has no result yet.", "See how it stands", "training.py")
        return
    asked = session.get("job")
    with shown():
        session.follow(asked, "source")
        _choose(place.run)
    if asked:
        with shown():
            job = job_panel(asked, "Testing the gene sets")
            if job.state is JobState.SUCCEEDED:
                result.show(place.run, job)


def _choose(run: RunRecord) -> None:
    sources = {job.id: f"{job.params['type']}: clustered against isolated by {job.params['gene']}, {when(job.created)}"
               for job in reversed(api.jobs())
               if job.kind == "niche" and job.state is JobState.SUCCEEDED and job.params["run"] == run.id}  # fmt: skip
    if not sources:
        st.caption("No niche of this run has been compared yet; pathways of a comparison begin there.")
    sources[run.id] = SCORES
    libraries = [*api.gene_set_libraries(), UPLOAD]
    with st.container(border=True):
        with st.grid(2, min_column_width=280):
            source = session.one_of("source", list(sources)) or run.id
            st.selectbox(
                "Rank the genes by", list(sources), format_func=sources.__getitem__, **session.bound("source", source)
            )
            sets = session.one_of("sets", libraries) or libraries[0]
            st.selectbox("Gene sets", libraries, **session.bound("sets", sets))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            min_size = st.number_input(
                "Smallest set", 2, 500, 5, width=160, help="Sets with fewer ranked genes are left out."
            )
            upload = st.file_uploader("GMT file", type=["gmt", "txt"], key="gmt") if sets == UPLOAD else None
        ready = sets != UPLOAD or upload is not None
        if st.button("Test the gene sets", type="primary", icon=":material/play_arrow:", disabled=not ready):
            named = str(api.save_upload(upload.name, upload)) if upload else sets
            session.put(
                "job", api.start_enrichment(source, "scores" if source == run.id else "de", named, int(min_size)).id
            )
            session.put("set", None)
            st.rerun()


with shown():
    main()
