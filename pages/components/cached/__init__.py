"""The only `st.cache_*`: what the pages read again and again, by id. Shared by all users, bounded, never the only copy.

Data sets are immutable, so their id is the whole key. A run that was stopped can be resumed under the same id, so
what a job leaves is keyed by the time it finished too. Callers must not change what they are given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from backend import api
from backend.figures.palette import type_colours
from backend.figures.points import Places
from backend.figures.prepare.thumbnail import thumbnail as draw_thumbnail
from backend.records import Area, StudyRecord

T = TypeVar("T")
few = st.cache_resource(max_entries=8, show_spinner=False)
many = st.cache_resource(max_entries=64, show_spinner=False)


@few
def obs(dataset_id: str) -> pd.DataFrame:
    """One row per cell: type, section, coordinates in um, UMAP, counts, genes."""
    return api.dataset_obs(dataset_id)


@many
def values(dataset_id: str, gene: str) -> NDArray[np.float32]:
    """A gene as it was measured, one value per cell."""
    return api.gene_values(dataset_id, gene)


@few
def _types(study_id: str, dataset_id: str, stamp: str) -> api.CellTypes:
    return api.cell_types(study_id, dataset_id)


def types(study: StudyRecord, dataset_id: str) -> api.CellTypes:
    """Types in use for one of the study's data sets, with the sentence that says where they come from."""
    return _types(study.id, dataset_id, source_of(study, dataset_id))


def source_of(study: StudyRecord, dataset_id: str) -> str:
    source = study.types.get(dataset_id, "")
    return source if source in ("", "column") else f"{source} {stamp(source)}"


def names(study: StudyRecord, dataset_id: str) -> NDArray[np.str_]:
    """The name of each cell; "unknown" while the names are being worked out."""
    table, n_cells = types(study, dataset_id).table, len(obs(dataset_id))
    return table["type"].to_numpy(dtype=str) if len(table) == n_cells else np.full(n_cells, "unknown")


def colours(study: StudyRecord) -> dict[str, str]:
    """One colour per cell type over all data sets of the study: the user's own where one was chosen."""
    every = {name for part in study.parts for name in types(study, part).table["type"].unique()}
    return type_colours(every, study.colours)


@many
def _thumbnail(tissue: str, stamp: str, _study: StudyRecord) -> bytes:
    cells = obs(tissue)
    places = Places(cells["x_um"], cells["y_um"], cells["section"])
    return draw_thumbnail(places, names(_study, tissue), colours(_study))


def thumbnail(study: StudyRecord) -> bytes:
    """A small picture of the study's tissue, PNG."""
    return _thumbnail(study.tissue, f"{source_of(study, study.tissue)} {sorted(study.colours.items())}", study)


@many
def _region(tissue: str, n_cells: int, stamp: str, _study: StudyRecord) -> Area:
    return api.suggested_region(tissue, n_cells, names(_study, tissue).tolist())


def region(study: StudyRecord, n_cells: int) -> Area:
    """The region of the study's tissue that shows most of its types on about so many cells."""
    return _region(study.tissue, n_cells, source_of(study, study.tissue), study)


@many
def _read(name: str, stamp: str, _read: Callable[..., Any], *given: Any) -> Any:
    return _read(*given)


def left(read: Callable[..., T], run_id: str, *given: Any) -> T:
    """What a run or another job left, read by a function of the door: `left(api.niche, job.id)`."""
    found: T = _read(f"{read.__module__}.{read.__name__}", stamp(run_id), read, run_id, *given)
    return found


def predicted(run_id: str, dataset_id: str, gene: str) -> NDArray[np.float32]:
    """The gene's predicted context, one value in [0, 1] per cell."""
    return left(api.predicted_context, run_id, dataset_id, gene)


def measured(run_id: str, dataset_id: str, gene: str) -> NDArray[np.float32] | None:
    """The gene's measured context without the cell itself, or None for dissociated cells."""
    return left(api.measured_context, run_id, dataset_id, gene)


def scores(run_id: str) -> pd.DataFrame:
    """A row per gene, method and self-loop."""
    return left(api.scores, run_id)


def attention(run_id: str, type_: str | None = None, cell: str | None = None) -> pd.DataFrame:
    return left(api.attention, run_id, type_, cell)


def stamp(job_id: str) -> str:
    return api.job(job_id).finished or ""
