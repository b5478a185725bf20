"""Another data set: apply this model to it, see the prediction, take it home."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from backend import api
from backend.figures import embeddings, maps
from backend.figures.points import Measure, Places
from backend.records import DatasetRecord, JobState, RunRecord, StudyRecord
from pages.components import cached, session
from pages.components.choice import select
from pages.components.figure_card import Draw, figure_card, table_download
from pages.components.gene_search import gene_search
from pages.components.job_panel import job_panel
from pages.components.words import plain, provenance

UNIT = "share of cells around"
MOST_NAMED = 20
READ = """Each point is a cell; its colour says which share of the cells around it is predicted to express the gene. If
the data set measured its surroundings itself, that stands beside the prediction, in the same colours."""
FOOL = """Nothing here was scored: the run's scores were taken on other cells. Genes that are missing are read as not
expressed. Another machine, chemistry or tissue can shift every prediction at once."""


def show(study: StudyRecord, run: RunRecord) -> None:
    _take_home(run)
    st.subheader("Apply this model to another data set", anchor=False)
    st.markdown("Genes are aligned by name; missing ones are counted, and too few are refused.")
    others = {record.id: record for record in api.datasets() if record.id not in study.parts}
    if not others:
        st.info("There is no other data set on this server yet.", icon=":material/info:")
        if st.button("Add data", icon=":material/database:"):
            st.switch_page("upload.py")
        return
    chosen = session.one_of("dataset", list(others)) or ""
    names = {key: f"{record.name} ({record.role})" for key, record in others.items()}
    select("Data set", names, "dataset", chosen, width=420)
    started = [job for job in api.jobs() if job.kind == "predict" and job.params == {"run": run.id, "dataset": chosen}]
    if not started:
        if st.button("Predict", type="primary", icon=":material/play_arrow:"):
            api.predict(run.id, chosen)
            st.rerun()
        return
    job = job_panel(started[0].id, f"Predicting {others[chosen].name}")
    if job.state is JobState.SUCCEEDED:
        missing = ", ".join(job.result["missing"][:MOST_NAMED])
        more = ", …" if len(job.result["missing"]) > MOST_NAMED else ""
        st.caption(plain(job.result["words"] + (f" They are {missing}{more}." if missing else "")))
        _figure(study, run, others[chosen])


def _figure(study: StudyRecord, run: RunRecord, record: DatasetRecord) -> None:
    gene = gene_search(study, run)
    if not gene:
        return
    obs, values = cached.obs(record.id), cached.predicted(run.id, record.id, gene)
    measured = cached.measured(run.id, record.id, gene)
    measure = Measure(values, gene, UNIT, predicted=True)
    title = f"{gene} around the cell"
    drawn = pd.DataFrame({"cell": obs.index, "predicted": values})
    if record.role == "reference":
        draw: Draw = partial(embeddings.embed_values, obs["umap_1"], obs["umap_2"], measure, title)
    else:
        places = Places(obs["x_um"], obs["y_um"], obs["section"])
        draw = partial(maps.map_values, places, measure, title)
        if measured is not None:
            drawn["measured"] = measured
            draw = partial(maps.map_compared, places, Measure(measured, gene, UNIT), measure, title)
    caption = provenance(run, len(values), f"{record.name}: predicted by the final fit, not scored here")
    least = 820 if measured is not None else 0
    figure_card(draw, "apply", caption, read=READ, fool=FOOL, table=drawn, least_px=least)


def _take_home(run: RunRecord) -> None:
    st.subheader("Take this run home", anchor=False)
    st.markdown(
        "The reference's cells with what is predicted around each (0 to 1, one column per panel gene): as AnnData, "
        "with the expression and the scores (`obsm['context']`, `uns['scores']`), or as a plain table."
    )
    with st.container(horizontal=True):
        for ending, label in (("h5ad", "Prediction (h5ad)"), ("csv", "Prediction (CSV)")):
            st.download_button(
                label,
                partial(_export, run.id, ending),
                f"resitu-{run.id}.{ending}",
                key=f"export.{ending}",
                icon=":material/download:",
                on_click="ignore",
            )
        table_download(cached.scores(run.id), f"resitu-scores-{run.id}.csv", "Scores (CSV)")


def _export(run_id: str, ending: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return api.export_run(run_id, Path(folder) / f"run.{ending}").read_bytes()
