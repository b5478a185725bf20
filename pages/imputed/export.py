"""The tissue with its imputed genes, to take home."""

from __future__ import annotations

import shutil
import tempfile
from functools import partial
from pathlib import Path

import streamlit as st

from backend import api
from backend.records import RunRecord, StudyRecord
from pages.components import cached, session
from pages.components.cached import imputed
from pages.components.choice import segments
from pages.components.figure_card import table_download
from pages.components.words import plain

WORDS = """The tissue's cells as AnnData. `X` holds what was measured, the layer `imputed` what is imputed (a measured
gene as imputed while it was hidden), `interval_low` and `interval_high` its 90 % interval. Each gene carries
`var['resitu_measured']`, `var['resitu_score']` and `var['resitu_verdict']`, so that nothing imputed is taken for a
measurement."""
MOST_VALUES = 60_000_000  # cells x genes: some 700 MB while the file is made


def show(study: StudyRecord, run: RunRecord) -> None:
    table, tissue = imputed.genes(run), api.dataset(run.tissue)
    printable = table["verdict"] != "no"
    st.markdown(WORDS)
    names = {"printable": f"Genes that may be printed ({printable.sum():,})", "all": f"All genes ({len(table):,})"}
    chosen = session.one_of("which", list(names))
    segments("Genes", names, "which", chosen, help="Without those that should not be shown, or all of them.")
    kept = table[printable] if chosen == "printable" else table
    measured = int(kept["measured"].sum())
    st.caption(
        f"{tissue.n_cells:,} cells of {plain(tissue.name)}; {measured:,} measured genes and {len(kept) - measured:,} "
        "that the panel lacks."
    )
    with st.container(horizontal=True):
        if 0 < tissue.n_cells * len(kept) <= MOST_VALUES:
            _files(run, chosen == "printable")
        table_download(table, f"resitu-genes-{run.id}.csv", "Every gene’s verdict (CSV)")
        scores = cached.left(api.imputed.imputation_scores, run.id)
        table_download(scores, f"resitu-scores-{run.id}.csv", "All scores (CSV)")
    if tissue.n_cells * len(kept) > MOST_VALUES:
        st.info("These are too many to be made while you wait: use the command line.", icon=":material/terminal:")
    st.caption(f"On the command line, all genes: `python -m backend export {run.id} tissue.h5ad`")


def _files(run: RunRecord, printable: bool) -> None:
    for ending, label in (("h5ad", "AnnData (h5ad)"), ("zarr", "AnnData (zarr, zipped)")):
        st.download_button(
            label,
            partial(_export, run.id, ending, printable),
            f"resitu-{run.id}.{ending}{'.zip' if ending == 'zarr' else ''}",
            key=f"export.{ending}.{printable}",
            type="primary" if ending == "h5ad" else "secondary",
            icon=":material/download:",
            on_click="ignore",
        )


def _export(run_id: str, ending: str, printable: bool) -> bytes:
    """A zarr is a folder: it is downloaded zipped."""
    with tempfile.TemporaryDirectory() as folder:
        path = api.imputed.export_imputed(run_id, Path(folder) / f"resitu.{ending}", printable)
        if path.is_dir():
            path = Path(shutil.make_archive(str(Path(folder) / "resitu"), "zip", folder, path.name))
        return path.read_bytes()
