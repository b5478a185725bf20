"""The only `st.cache_*`: what the pages read again and again, by id. Shared by all users, bounded, never the only copy.

Data sets are immutable, so their id is the whole key. A run that was stopped can be resumed under the same id, so
what a job leaves is keyed by the time it finished too. Callers must not change what they are given.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from backend import api
from backend.figures.palette import type_colours
from backend.records import StudyRecord

_few = st.cache_resource(max_entries=8, show_spinner=False)
_many = st.cache_resource(max_entries=64, show_spinner=False)


@_few
def obs(dataset_id: str) -> pd.DataFrame:
    """One row per cell: type, section, coordinates in um, UMAP, counts, genes."""
    return api.dataset_obs(dataset_id)


@_few
def genes(dataset_id: str) -> pd.DataFrame:
    return api.dataset_genes(dataset_id)


@_few
def _types(study_id: str, dataset_id: str, stamp: str) -> api.CellTypes:
    return api.cell_types(study_id, dataset_id)


def types(study: StudyRecord, dataset_id: str) -> api.CellTypes:
    """Types in use for one of the study's data sets, with the sentence that says where they come from."""
    source = study.types.get(dataset_id, "")
    return _types(study.id, dataset_id, source if source in ("", "column") else source + _stamp(source))


def colours(study: StudyRecord) -> dict[str, str]:
    """One colour per cell type over all data sets of the study: the user's own where one was chosen."""
    names = {name for part in study.parts for name in types(study, part).table["type"].unique()}
    return type_colours(names, study.colours)


@_many
def _predicted(run_id: str, dataset_id: str, gene: str, stamp: str) -> NDArray[np.float32]:
    return api.predicted_context(run_id, dataset_id, gene)


def predicted(run_id: str, dataset_id: str, gene: str) -> NDArray[np.float32]:
    """The gene's predicted context, one value in [0, 1] per cell."""
    return _predicted(run_id, dataset_id, gene, _stamp(run_id))


@_many
def _measured(run_id: str, dataset_id: str, gene: str, stamp: str) -> NDArray[np.float32] | None:
    return api.measured_context(run_id, dataset_id, gene)


def measured(run_id: str, dataset_id: str, gene: str) -> NDArray[np.float32] | None:
    """The gene's measured context without the cell itself, or None for dissociated cells."""
    return _measured(run_id, dataset_id, gene, _stamp(run_id))


@_few
def _scores(run_id: str, stamp: str) -> pd.DataFrame:
    return api.scores(run_id)


def scores(run_id: str) -> pd.DataFrame:
    """A row per gene, method and self-loop."""
    return _scores(run_id, _stamp(run_id))


@_few
def _attention(run_id: str, type_: str | None, cell: str | None, stamp: str) -> pd.DataFrame:
    return api.attention(run_id, type_, cell)


def attention(run_id: str, type_: str | None = None, cell: str | None = None) -> pd.DataFrame:
    return _attention(run_id, type_, cell, _stamp(run_id))


@_few
def niche(job_id: str, stamp: str) -> Any:
    return api.niche(job_id)


@_few
def enrichment(job_id: str, stamp: str) -> Any:
    return api.enrichment(job_id)


def _stamp(job_id: str) -> str:
    return api.job(job_id).finished or ""
