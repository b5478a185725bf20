"""Bring your own data: a box for the tissue, one for the atlas, and the button that puts them together."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from backend import api
from backend.errors import NotFound
from backend.records import DatasetRecord, Role
from pages.components import session
from pages.components.problems import shown
from pages.components.words import count, plain
from pages.data.add import TYPES

Part = Literal["tissue", "atlas"]
ROLES: dict[Part, Role] = {"tissue": "tissue", "atlas": "reference"}
TITLES = {"tissue": "My tissue", "atlas": "My single-cell atlas"}
FILES = {
    "tissue": "**Xenium** `cell_feature_matrix.h5` with `cells.parquet` · **CosMx** `*_exprMat_file.csv` with "
    "`*_metadata_file.csv` · **MERSCOPE** `cell_by_gene.csv` with `cell_metadata.csv` · **any** `.h5ad` with "
    "coordinates, SpatialData `.zarr.zip`",
    "atlas": "**CELLxGENE** `.h5ad` · **10x** `filtered_feature_bc_matrix.h5` or its folder as `.zip` · **any** "
    "`.h5ad` (`.raw` and layers are found) · Seurat `.rds`: you are told how to convert it",
}
MOST_LISTED = 50


def show(first: bool) -> None:
    """first: there is no study yet, so one of these buttons is the next step."""
    st.subheader("Bring your own data", anchor=False)
    parts: dict[Part, DatasetRecord | None] = {}
    with st.grid(2, min_column_width=300):
        for part in ROLES:
            with st.container(border=True, height="stretch", key=f"bring-{part}"), shown():
                parts[part] = _box(part)
    tissue, atlas = parts.get("tissue"), parts.get("atlas")
    if tissue and atlas:
        with shown():
            _together(tissue, atlas, "primary" if first else "secondary")
    with st.container(horizontal=True):
        ready = bool(tissue and atlas)
        if st.button(
            "Try the demo (simulated)",
            type="primary" if first and not ready else "secondary",
            icon=":material/science:",
        ):
            session.put("job", api.make_demo().id)
            st.rerun()


def _box(part: Part) -> DatasetRecord | None:
    """What was chosen for this part, or the ways to bring it."""
    st.markdown(f"**{TITLES[part]}**")
    record = _chosen(part)
    if record:
        st.markdown(f":material/check_circle: {plain(record.name)}")
        unit = "spot" if record.spots else "cell"
        st.caption(f"{count(record.n_cells, unit)}, {count(record.n_genes, 'gene')}, {record.species}")
        if st.button("Another one", key=f"other.{part}", type="tertiary", icon=":material/swap_horiz:"):
            session.put(part, None)
            st.rerun()
        return record
    files = st.file_uploader(
        f"{TITLES[part]}: one file, or two that belong together", TYPES, accept_multiple_files=True, key=f"files.{part}"
    )
    st.caption(FILES[part])
    with st.container(horizontal=True):
        if st.button("Check", key=f"check.{part}", icon=":material/stethoscope:", disabled=not files):
            paths = [api.save_upload(file.name, file) for file in files]
            _to_data(part, api.inspect(paths, ROLES[part]).id)
        if st.button("From the server's folder", key=f"server.{part}", type="tertiary", icon=":material/folder:"):
            _to_data(part, None)
    _here(part)
    return None


def _chosen(part: Part) -> DatasetRecord | None:
    asked = session.get(part)
    if not asked:
        return None
    try:
        record = api.dataset(asked)
    except NotFound:
        session.put(part, None)
        return None
    return record if (record.role == "reference") == (part == "atlas") else None


def _to_data(part: Part, job: str | None) -> None:
    """The doctor's visit stands on the Data page, which comes back here when the data set is added."""
    source = None if job else "server"
    session.hand_over("data", view="add", role=ROLES[part], job=job, source=source, back="start")
    st.switch_page("upload.py")


def _here(part: Part) -> None:
    """Those that are on this server already."""
    fits = [record for record in api.datasets() if (record.role == "reference") == (part == "atlas")]
    names = {record.id: record.name for record in reversed(fits[-MOST_LISTED:]) if not record.simulated}
    if not names:
        return
    picked = st.selectbox(
        "or one that is here already", list(names), None, format_func=names.__getitem__, key=f"here.{part}"
    )
    if picked:
        session.put(part, picked)
        st.rerun()


def _together(tissue: DatasetRecord, atlas: DatasetRecord, kind: Literal["primary", "secondary"]) -> None:
    if tissue.species != atlas.species:
        st.warning(
            f"The tissue is {tissue.species} and the atlas is {atlas.species}: genes will be matched by one-to-one "
            "orthologues, and types of one species may not exist in the other.",
            icon=":material/warning:",
        )
    same = [study for study in api.studies() if (study.tissue, study.reference) == (tissue.id, atlas.id)]
    if same:
        st.caption(f"{plain(same[-1].name)} holds this pair already.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name of the study", f"{tissue.name} with {atlas.name}"[:80], max_chars=80, width=520)
        if st.button("Bring them together", type=kind, icon=":material/join:"):
            made = api.create_study(name, tissue.id, atlas.id)
            session.choose_study(made.id)
            st.rerun()
