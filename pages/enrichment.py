"""Pathways: which gene sets gather at one end of a ranked list."""

from __future__ import annotations

import streamlit as st

from backend import api
from backend.records import JobState, JobStatus, RunRecord
from pages.components import session
from pages.components.choice import select
from pages.components.job_panel import job_panel
from pages.components.links import follow, linked_job
from pages.components.problems import empty, shown
from pages.components.study_picker import open_page
from pages.pathways import result

SCORES = "How well each gene is predicted (not what is up or down)"
UPLOAD = "My own gene sets (GMT file)"


def main() -> None:
    question = "Which pathways stand out in a comparison, or among what the model predicts well?"
    place = open_page("pathways", "Pathways", question, "source", "sets", "job", "set", "ranking", contexts=True)
    if place.study is None or place.run is None:
        empty("Pathways need a trained model.", "Train a model", "training.py")
        return
    if not api.has_result(place.run.id):
        empty("The chosen run has no result yet.", "See how it stands", "training.py")
        return
    asked = linked_job("enrich")
    with shown():
        follow(asked, "source")
        _choose(place.run)
    if asked:
        with shown():
            job = job_panel(asked.id, "Testing the gene sets")
            if job.state is JobState.SUCCEEDED:
                result.show(job)


def _comparison(job: JobStatus) -> str:
    made = job.params
    cut = f", cut at {made['threshold']:.3f}" if made["threshold"] else ""
    return f"{made['type']} in {api.dataset(made['dataset']).name}: clustered against isolated by {made['gene']}{cut}"


def _usual(source: str, run: RunRecord) -> str:
    """The gene sets of a first look: few, as in the paper, for scores; all for a comparison."""
    libraries = api.gene_set_libraries()
    return libraries[-1] if source == run.id else libraries[0]


def _choose(run: RunRecord) -> None:
    sources = {job.id: _comparison(job) for job in api.jobs()
               if job.kind == "niche" and job.state is JobState.SUCCEEDED and job.params["run"] == run.id}  # fmt: skip
    newest = next(reversed(sources), run.id)
    if not sources:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("Pathways of a comparison begin with a niche; none of this run has been compared yet.")
            if st.button("Compare a niche", icon=":material/arrow_forward:", type="tertiary"):
                st.switch_page("niches.py")
    sources[run.id] = SCORES
    libraries = {name: name for name in (*api.gene_set_libraries(), UPLOAD)}
    with st.container(border=True):
        with st.grid(2, min_column_width=280):
            source = session.one_of("source", list(sources), newest) or run.id
            select("Rank the genes by", sources, "source", source)
            sets = session.one_of("sets", list(libraries), _usual(source, run)) or UPLOAD
            select("Gene sets", libraries, "sets", sets)
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
