"""Add data: choose a role, bring the files, hear what the doctor finds, answer, add."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from backend import api
from backend.records import Answers, Finding, JobState, JobStatus
from pages.components import session
from pages.components.job_panel import job_panel
from pages.upload.findings import ask, list_findings

ROLES = {"tissue": "Tissue", "reference": "Reference", "validation": "Validation tissue"}
ROLE_SAYS = {
    "tissue": "Cells with coordinates and a panel of genes: CosMx, Xenium, MERSCOPE, osmFISH, Visium, ...",
    "reference": "Dissociated cells with the whole transcriptome (scRNA-seq), of the same kind of tissue.",
    "validation": "A second tissue, not trained on, by which the predictions are scored. You can go without.",
}
SOURCES = {"upload": "From this computer", "server": "From the server's folder"}
TYPES = ["h5ad", "h5", "zip", "gz", "tgz", "csv", "parquet"]


def show() -> None:
    asked = session.get("job")
    if asked:
        _checked(asked)
        return
    role = session.one_of("role", list(ROLES), "tissue")
    st.segmented_control("What is it?", list(ROLES), format_func=ROLES.get, required=True, **session.bound("role", role))
    st.caption(ROLE_SAYS[role or "tissue"])
    source = session.one_of("source", list(SOURCES), "upload")
    st.segmented_control(
        "Where is it?", list(SOURCES), format_func=SOURCES.get, required=True, **session.bound("source", source)
    )
    paths = _upload() if source == "upload" else _server()
    if paths and role:
        session.put("job", api.inspect(paths, role).id)
        st.rerun()


def _upload() -> list[Path]:
    files = st.file_uploader(
        "One file, or two for a Xenium run or counts with coordinates",
        type=TYPES,
        accept_multiple_files=True,
        key="files",
        help="h5ad; 10x .h5; a 10x matrix folder as zip or tar.gz; cell_feature_matrix.h5 with cells.parquet or "
        "cells.csv.gz; SpatialData zarr as zip; CSV counts with CSV coordinates. Up to 500 MB each; larger files go "
        "into the server's folder.",
    )
    if st.button("Check", type="primary", icon=":material/stethoscope:", disabled=not files):
        return [api.save_upload(file.name, file) for file in files]
    return []


def _server() -> list[Path]:
    there = api.server_files()
    if not there:
        st.info(
            "The server's folder is empty. Whoever runs this server can put files there, or name other folders in "
            "`RESITU_FOLDERS`.",
            icon=":material/folder_off:",
        )
        return []
    by_name = {str(path): path for path in there}
    chosen = st.multiselect("Files", list(by_name), format_func=lambda key: Path(key).name, max_selections=2, key="server")
    pressed = st.button("Check", type="primary", icon=":material/stethoscope:", disabled=not chosen)
    return [by_name[key] for key in chosen] if pressed else []


def _checked(job_id: str) -> None:
    """What came of `?job=`: the doctor's visit, or the adding itself."""
    job = api.job(job_id)
    files = ", ".join(Path(path).name for path in job.params.get("paths", []))
    adding = job.kind == "add"
    if st.button("Other files", icon=":material/arrow_back:", type="tertiary"):
        session.put("job", None)
        st.rerun()
    job = job_panel(job_id, f"{'Adding' if adding else 'Checking'} {files}")
    if job.state is not JobState.SUCCEEDED:
        return
    if adding:
        session.put("job", None)
        session.put("dataset", job.result["dataset"])
        session.put("view", "library")
        st.toast("Added.", icon=":material/check:")
        st.rerun()
    _report(job, files)


def _report(job: JobStatus, files: str) -> None:
    findings = [Finding.model_validate(finding) for finding in job.result["findings"]]
    st.subheader(files, anchor=False)
    _facts(job.result.get("facts", {}))
    if list_findings(findings):
        st.markdown("It cannot be added as it is. Mend the file and bring it again.")
        return
    given = Answers.model_validate(job.params.get("answers") or {})
    answers, changed = ask([finding for finding in findings if finding.grade == "asked"], given)
    paths = [Path(path) for path in job.params["paths"]]
    name = st.text_input("Name", paths[0].name.split(".")[0], key=f"name.{job.id}", max_chars=80)
    with st.container(horizontal=True):
        if st.button("Add", type="primary", icon=":material/add:", key=f"add.{job.id}"):
            added = api.add_dataset(paths, job.params["role"], name.strip() or None, answers)
            session.put("job", added.id)
            st.rerun()
        if changed and st.button("Check again with these answers", icon=":material/refresh:"):
            session.put("job", api.inspect(paths, job.params["role"], answers).id)
            st.rerun()


def _facts(facts: Mapping[str, Any]) -> None:
    cards = [(name, facts[key]) for key, name in (("cells", "Cells"), ("genes", "Genes")) if key in facts]
    if cards:
        with st.container(horizontal=True):
            for name, value in cards:
                st.metric(name, f"{value:,}" if isinstance(value, int) else str(value), border=True, width=170)
