"""Another data set: apply this model to it, see the prediction, take it home."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import streamlit as st

from backend import api
from backend.figures import embeddings, maps
from backend.figures.points import Measure, Places
from backend.records import DatasetRecord, JobState, RunRecord, StudyRecord
from pages.components import cached, session
from pages.components.figure_card import figure_card, theme
from pages.components.gene_search import gene_search
from pages.components.job_panel import job_panel
from pages.components.words import provenance

FOOL = """Nothing here was scored: the model was never compared with measurements of this data set. Genes that are
missing are read as not expressed."""


def show(study: StudyRecord, run: RunRecord) -> None:
    _take_home(run)
    st.subheader("Apply this model to another data set", anchor=False)
    st.markdown("Genes are aligned by name; missing ones are counted, and too few are refused.")
    own = {study.tissue, study.reference, study.validation}
    others = {record.id: record for record in api.datasets() if record.id not in own}
    if not others:
        st.info("There is no other data set on this server yet.", icon=":material/info:")
        if st.button("Add data", icon=":material/database:"):
            st.switch_page("upload.py")
        return
    chosen = session.one_of("dataset", list(others))
    st.selectbox(
        "Data set",
        list(others),
        format_func=lambda key: others[key].name,
        width=420,
        **session.bound("dataset", chosen),
    )
    started = [job for job in api.jobs() if job.kind == "predict" and job.params == {"run": run.id, "dataset": chosen}]
    if not started:
        if st.button("Predict", type="primary", icon=":material/play_arrow:") and chosen:
            api.predict(run.id, chosen)
            st.rerun()
        return
    job = job_panel(started[0].id, f"Predicting {others[chosen or ''].name}")
    if job.state is JobState.SUCCEEDED:
        for key in ("missing", "used"):
            if isinstance(job.result.get(key), int):
                st.caption(f"Input genes {key}: {job.result[key]:,}")
        _figure(study, run, others[chosen or ""])


def _figure(study: StudyRecord, run: RunRecord, record: DatasetRecord) -> None:
    gene = gene_search(study, run)
    if not gene:
        return
    obs, values = cached.obs(record.id), cached.predicted(run.id, record.id, gene)
    measure = Measure(values, gene, "share of cells around", predicted=True)
    title = f"{gene} around the cell"
    if record.role == "reference":
        figure = embeddings.embed_values(obs["umap_1"], obs["umap_2"], measure, title, theme())
    else:
        figure = maps.map_values(Places(obs["x_um"], obs["y_um"], obs["section"]), measure, title, theme())
    figure_card(figure, "apply", provenance(run, len(values), f"{record.name}: predicted, not scored here"), fool=FOOL)


def _take_home(run: RunRecord) -> None:
    st.subheader("Take this run home", anchor=False)
    st.markdown(
        "The reference's cells with their predicted context (`obsm['context']`, 0 to 1, one column per panel gene) and "
        "the scores, as AnnData; or the scores as a table."
    )
    with st.container(horizontal=True):
        for ending, label in (("h5ad", "Prediction (h5ad)"), ("csv", "Scores (CSV)")):
            st.download_button(
                label,
                partial(_export, run.id, ending),
                f"resitu-{run.id}.{ending}",
                key=f"export.{ending}",
                icon=":material/download:",
                on_click="ignore",
            )


def _export(run_id: str, ending: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return api.export_run(run_id, Path(folder) / f"run.{ending}").read_bytes()
