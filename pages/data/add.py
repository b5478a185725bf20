"""Add data: choose a role, bring the files, hear what the doctor finds, answer, add."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import streamlit as st

from backend import api
from backend.records import Answers, Finding, JobState, JobStatus, Role
from pages.components import session
from pages.components.choice import distinct, segments
from pages.components.job_panel import job_panel
from pages.components.links import linked_job
from pages.components.words import plain
from pages.data.findings import ask, list_findings

ROLES = {"tissue": "Tissue", "reference": "Reference", "validation": "Validation tissue"}
ROLE_SAYS = {
    "tissue": "Cells with coordinates and a panel of genes: CosMx, Xenium, MERSCOPE, osmFISH, Visium, ...",
    "reference": "Dissociated cells with the whole transcriptome (scRNA-seq), of the same kind of tissue.",
    "validation": "A second tissue, not trained on, by which the predictions are scored. You can go without.",
}
SOURCES = {"upload": "From this computer", "server": "From the server's folder"}
FROM_R = ["rds", "rda", "rdata", "qs", "h5seurat"]  # may be chosen so that one is told how to convert them
TYPES = ["h5ad", "h5", "zip", "gz", "tgz", "csv", "tsv", "parquet", *FROM_R]


def show() -> None:
    asked = linked_job("inspect", "add")
    if asked:
        _checked(asked)
        return
    role = session.one_of("role", list(ROLES), "tissue")
    segments("What is it?", ROLES, "role", role)
    st.caption(ROLE_SAYS[role or "tissue"])
    source = session.one_of("source", list(SOURCES), "upload")
    segments("Where is it?", SOURCES, "source", source)
    paths = _upload() if source == "upload" else _server()
    if paths and role:
        session.put("job", api.inspect(paths, cast(Role, role)).id)
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
    names = distinct({str(path): path.name for path in there})
    given: dict[str, Any] = {"options": list(names), "index": None, "format_func": names.__getitem__}
    with st.grid(2, min_column_width=280):
        first = st.selectbox("File", **given, placeholder="choose one", key="server")
        second = st.selectbox("Second file (optional)", **given, placeholder="coordinates", key="server 2")
    pressed = st.button("Check", type="primary", icon=":material/stethoscope:", disabled=not first)
    return [Path(key) for key in (first, second) if key] if pressed else []


def _checked(job: JobStatus) -> None:
    """What came of `?job=`: the doctor's visit, or the adding itself."""
    files = ", ".join(Path(path).name for path in job.params.get("paths", []))
    adding = job.kind == "add"
    if st.button("Other files", icon=":material/arrow_back:", type="tertiary"):
        session.put("job", None)
        st.rerun()
    job = job_panel(job.id, f"{'Adding' if adding else 'Checking'} {files}")
    if job.state is not JobState.SUCCEEDED:
        return
    if adding:
        session.put("job", None)
        if session.get("back") == "start":  # Home sent the files here
            session.put("back", None)
            part = "atlas" if job.params["role"] == "reference" else "tissue"
            session.hand_over("start", **{part: job.result["dataset"]})
            st.switch_page("home.py")
        if session.get("back") == "prepare":  # the Atlas view sent for another one
            session.put("back", None)
            st.switch_page("preparation.py")
        session.put("dataset", job.result["dataset"])
        session.put("view", "library")
        st.toast("Added.", icon=":material/check:")
        st.rerun()
    _report(job, files)


def _report(job: JobStatus, files: str) -> None:
    findings = [Finding.model_validate(finding) for finding in job.result["findings"]]
    facts, role = job.result["facts"], job.params["role"]
    paths = [Path(path) for path in job.params["paths"]]
    st.subheader(plain(files), anchor=False)
    _facts(facts)
    refused = list_findings(findings)
    given = Answers.model_validate(job.params.get("answers") or {})
    questions = [finding for finding in findings if finding.grade == "asked"]
    answers, changed = ask(questions, given, facts["columns"], job.id)
    if refused:
        st.markdown("It cannot be added like this: answer differently and check again, or mend the file.")
    else:
        name = st.text_input("Name", paths[0].name.split(".")[0], key=f"name.{job.id}", max_chars=80, width=520)
    with st.container(horizontal=True):
        if not refused and st.button("Add", type="primary", icon=":material/add:", key=f"add.{job.id}"):
            session.put("job", api.add_dataset(paths, role, name.strip() or None, answers).id)
            st.rerun()
        again = "Check again with these answers"
        if (changed or refused) and st.button(again, icon=":material/refresh:", disabled=not changed):
            session.put("job", api.inspect(paths, role, answers).id)
            st.rerun()


def _facts(facts: Mapping[str, Any]) -> None:
    spacing = facts.get("neighbour_um")
    with st.grid(4, min_column_width=140):
        for name, value in (
            ("Cells", f"{facts['cells']:,}"),
            ("Genes", f"{facts['genes']:,}"),
            ("Median counts per cell", f"{facts['median_counts']:,.0f}" if facts["scale"] == "counts" else None),
            ("To the nearest cell", f"{spacing:.1f} µm" if spacing else None),
        ):
            if value:
                st.metric(name, value, border=True)
    if len(facts["matrices"]) == 1:  # of several the doctor asks which
        [matrix] = facts["matrices"]
        said = f"The only matrix in the file is {matrix['name']}. It holds {matrix['kind']}: {matrix['why']}."
        st.caption(plain(said))
