"""The tissue with its imputed genes, to take home."""

from __future__ import annotations

import shutil
import tempfile
from functools import partial
from pathlib import Path

import streamlit as st

from backend import api
from backend.records import RunRecord, StudyRecord
from pages.components import cached
from pages.components.cached import imputed
from pages.components.figure_card import table_download
from pages.components.words import plain

WORDS = """One file: the tissue's cells, with its measured genes and those that were imputed, each gene with
`var['resitu_measured']`, `var['resitu_score']` and `var['resitu_verdict']`, and the 90 % intervals. Imputed values lie
in a layer of their own, so that nothing imputed is taken for a measurement."""


def show(study: StudyRecord, run: RunRecord) -> None:
    table = imputed.genes(run)
    measured = int(table["measured"].sum())
    st.markdown(WORDS)
    st.caption(
        f"{api.dataset(run.tissue).n_cells:,} cells of {plain(api.dataset(run.tissue).name)}; {measured:,} measured "
        f"genes, each as imputed while it was hidden; {len(table) - measured:,} genes that the panel lacks."
    )
    with st.container(horizontal=True):
        for ending, label in (("h5ad", "AnnData (h5ad)"), ("zarr", "AnnData (zarr, zipped)")):
            st.download_button(
                label,
                partial(_export, run.id, ending),
                f"resitu-{run.id}.{ending}{'.zip' if ending == 'zarr' else ''}",
                key=f"export.{ending}",
                type="primary" if ending == "h5ad" else "secondary",
                icon=":material/download:",
                on_click="ignore",
            )
        table_download(table, f"resitu-genes-{run.id}.csv", "Every gene’s verdict (CSV)")
        scores = cached.left(api.imputed.imputation_scores, run.id)
        table_download(scores, f"resitu-scores-{run.id}.csv", "All scores (CSV)")
    st.caption("On the command line: " + f"`python -m backend export {run.id} --out tissue.h5ad`")


def _export(run_id: str, ending: str) -> bytes:
    """A zarr is a folder: it is downloaded zipped."""
    with tempfile.TemporaryDirectory() as folder:
        path = api.imputed.export_imputed(run_id, Path(folder) / f"resitu.{ending}")
        if path.is_dir():
            path = Path(shutil.make_archive(str(Path(folder) / "resitu"), "zip", folder, path.name))
        return path.read_bytes()
