"""Which reference cells: drawn around on the UMAP, of a type, of a niche's side, or from a list."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from backend import api
from backend.figures.context import put_back as figures
from backend.records import JobState, RunRecord, StudyRecord
from pages.components import cached, session
from pages.components.choice import segments, select
from pages.components.figure_card import figure_card
from pages.components.words import count, plain
from pages.predict.put_back import drawn

Rows = NDArray[np.intp]
WAYS = {"lasso": "Draw around them", "type": "A cell type", "niche": "A side of a niche", "list": "A list"}
READ = """Each point is a dissociated cell. Draw around cells with lasso or box, chosen above the map; what is chosen
keeps its colour and the rest turns grey."""
FOOL = """A UMAP tears apart and pushes together: what you draw around may not be one population. Choose a type or
bring a list where the cells are known by name."""
MOST_NAMED = 8
MOST_TYPED = 1500  # characters: they stand in the address; longer lists come as a file


def chosen_cells(study: StudyRecord, run: RunRecord) -> tuple[Rows, str]:
    """Rows of the reference and what they are called; no rows until something is chosen."""
    way = session.one_of("pick", list(WAYS)) or "lasso"
    segments("Choose cells", WAYS, "pick", way)
    rows, words = {"lasso": _drawn, "type": _of_type, "niche": _of_niche, "list": _listed}[way](study, run)
    _map(study, run, rows, way)
    return rows, words


def _drawn(study: StudyRecord, run: RunRecord) -> tuple[Rows, str]:
    obs, corners = cached.obs(run.reference), drawn.kept("around")
    if corners is None or "umap_1" not in obs:
        return np.zeros(0, dtype=np.intp), ""
    inside = api.cells_inside(obs[["umap_1", "umap_2"]].to_numpy(dtype=np.float32), corners.tolist())
    return np.flatnonzero(inside), f"{count(int(np.sum(inside)), 'cell')} drawn around"


def _of_type(study: StudyRecord, run: RunRecord) -> tuple[Rows, str]:
    names = cached.names(study, run.reference)
    known = pd.Series(names).value_counts()
    shown = {str(name): f"{name} ({cells:,})" for name, cells in known.items()}
    type_ = session.one_of("type", list(shown)) or ""
    select("Cell type", shown, "type", type_, width=420)
    rows = np.flatnonzero(names == type_)
    return rows, f"{count(len(rows), 'cell')} of type {type_}"


def _of_niche(study: StudyRecord, run: RunRecord) -> tuple[Rows, str]:
    done = {
        job.id: f"{job.params['type']} by {job.params['gene']} around the cell"
        for job in api.jobs()
        if job.kind == "niche" and job.state is JobState.SUCCEEDED
        and (job.params["run"], job.params["dataset"]) == (run.id, run.reference)
    }  # fmt: skip
    if not done:
        st.info("No niche of the reference was worked out with this run yet.", icon=":material/info:")
        if st.button("Split a type by what is around it", icon=":material/arrow_forward:"):
            st.switch_page("niches.py")
        return np.zeros(0, dtype=np.intp), ""
    with st.container(horizontal=True):
        job_id = session.one_of("niche_of", list(done)) or ""
        select("Niche", done, "niche_of", job_id, width=420)
        side = session.one_of("side", ("clustered", "isolated")) or "clustered"
        segments("Side", {"clustered": "clustered", "isolated": "isolated"}, "side", side)
    table = cached.left(api.niche, job_id).cells
    wanted = set(table.loc[table["group"] == side, "cell"])
    rows = np.flatnonzero(cached.obs(run.reference).index.isin(wanted))
    return rows, f"{count(len(rows), 'cell')}: {done[job_id]}, {side}"


def _listed(study: StudyRecord, run: RunRecord) -> tuple[Rows, str]:
    file = st.file_uploader("A file of cell names", type=["txt", "csv", "tsv"], help="One per line, or first column.")
    told = "Names as the reference has them, separated by commas or line breaks."
    typed = st.text_area(
        "or type them", height=90, help=told, max_chars=MOST_TYPED,
        **session.bound("cells", (session.get("cells") or "")[:MOST_TYPED]),
    )  # fmt: skip
    text = file.getvalue().decode(errors="replace") if file else typed
    found = api.context.find_cells(run.reference, text or "")
    if found.unknown:
        named = ", ".join(found.unknown[:MOST_NAMED]) + (", …" if len(found.unknown) > MOST_NAMED else "")
        said = f"{count(len(found.unknown), 'name')} not found among the reference's cells: {named}."
        st.warning(plain(f"{said} They look like {cached.obs(run.reference).index[0]}."), icon=":material/search_off:")
    return found.rows, f"{count(len(found.rows), 'cell')} of a list"


def _map(study: StudyRecord, run: RunRecord, rows: Rows, way: str) -> None:
    obs, record = cached.obs(run.reference), api.dataset(run.reference)
    if "umap_1" not in obs:
        st.info("The reference has too few cells for a map. Choose a type or bring a list.", icon=":material/info:")
        return
    names = cached.names(study, run.reference)
    cells = obs[["umap_1", "umap_2"]].assign(type=names, chosen=np.isin(np.arange(len(obs)), rows))
    corners = drawn.kept("around") if way == "lasso" else None
    outline = None if way != "lasso" else [] if corners is None else corners.tolist()
    draw = partial(figures.choose_cells, cells, cached.colours(study), outline, "Cells of the reference")
    caption = f"{record.n_cells:,} cells of {record.name}, measured; {len(rows):,} chosen"
    key = drawn.card_key(f"around-{way}")
    event = figure_card(draw, key, caption, read=READ, fool=FOOL, table=cells.reset_index())
    if way == "lasso":
        drawn.clear_button("around")
        drawn.keep("around", event, 2)
