"""What an imputation left, gene by gene: of a few genes every layer over the tissue's cells, never all genes."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from backend import api
from backend.errors import UserError
from backend.figures.points import Places
from backend.records import JobStatus, RunRecord, StudyRecord
from pages.components import cached


def genes(run: RunRecord) -> pd.DataFrame:
    """A row per imputed gene, with its verdict."""
    return cached.left(api.imputed.genes, run.id)


def card(run: RunRecord, gene: str) -> api.imputed.GeneCard:
    return cached.left(api.imputed.gene_card, run.id, gene)


def layers(study: StudyRecord, run: RunRecord, gene: str) -> api.imputed.GeneLayers:
    """All that is known of a gene over the tissue's cells, with the study's types and what its match lacks."""
    job = match_job(study, run)
    seen = (cached.stamp(run.id), cached.source_of(study, run.tissue), job.finished or "" if job else "")
    return _layers(run.id, gene, study.id, " ".join(seen))


@st.cache_resource(max_entries=16, show_spinner=False)  # a mosaic and some more; each is some 40 bytes a cell
def _layers(run_id: str, gene: str, study_id: str, stamp: str) -> api.imputed.GeneLayers:
    return api.imputed.gene_layers(run_id, gene, study_id)


def match_job(study: StudyRecord, run: RunRecord) -> JobStatus | None:
    """The match that says which of the tissue's types the run's reference lacks."""
    try:
        return api.find_match(study.id, run.reference)
    except UserError:  # nothing in the reference to match with
        return None


def places(run: RunRecord) -> Places:
    """Where the tissue's cells lie."""
    return _places(run.tissue)


@cached.few
def _places(tissue: str) -> Places:
    obs = cached.obs(tissue)
    return Places(obs["x_um"], obs["y_um"], obs["section"])
