"""Attention: which genes the model looked at, and whether its predictions hang on them."""

from __future__ import annotations

from functools import partial

import streamlit as st

from backend import api
from backend.figures import attention as figures
from backend.records import JobState, RunRecord, StudyRecord
from pages.components import cached, session
from pages.components.choice import select
from pages.components.figure_card import figure_card
from pages.components.job_panel import job_panel
from pages.components.words import duration, provenance
from pages.predict.attending import tested
from pages.predict.attending.words import FOOL, read_bars, read_heat, token

ALL = "all"
SMALL = {"encoder": "transformer", "epochs": 12, "max_tokens": 64}  # what a first look at attention takes
FEW = 500  # cells of a type that one can choose from


def show(study: StudyRecord, run: RunRecord) -> None:
    if not api.context.attends(run.id):
        _advise(study, run)
        return
    job = api.context.find_attention_test(run.id)
    if job is None or job.state is not JobState.SUCCEEDED:
        if job is None:
            _offer(run)
        else:
            job_panel(job.id, "Testing attention")
        _untested(run)
        return
    tested.show(run, job)


def _advise(study: StudyRecord, run: RunRecord) -> None:
    """A run without attention: why, and the shortest way to one with it."""
    encoder = run.config.get("encoder")
    st.info(
        "This run has no attention: its encoder "
        + ("is the fast one (*mlp*), which reads" if encoder == "mlp" else "reads")
        + " all genes at once. The *transformer* reads a cell as a list of genes and says which it looks at.",
        icon=":material/info:",
    )
    minutes = api.preflight(study.id, "scxm", SMALL).minutes
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Train a small transformer", type="primary", icon=":material/play_arrow:"):
            session.put("run", api.start_run(study.id, "scxm", SMALL).id)
            st.switch_page("training.py")
        st.caption(
            f"{duration(minutes).capitalize()} on an idle machine: {SMALL['epochs']} epochs, the first "
            f"{SMALL['max_tokens']} genes of each cell. A longer one is on the Train page, under *Advanced*."
        )


def _offer(run: RunRecord) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            "**Is it worth looking at?** The test asks two questions: which genes have more attention than their rank "
            "gives them, and whether predictions change more without them than without others.",
            width="stretch",
        )
        if st.button("Test attention", type="primary", icon=":material/play_arrow:"):
            api.context.start_attention_test(run.id)
            st.rerun()


def _untested(run: RunRecord) -> None:
    """What the run itself left: the strongest genes of each type and of each cell."""
    record, means = api.dataset(run.reference), cached.attention(run.id, cell="")
    types = sorted(means["type"].astype(str).unique())
    if len(types) > 1:
        draw = partial(figures.attention_heat, means, "Attention by cell type")
        caption = provenance(run, record.n_cells, f"{record.name}, mean over the cells of a type")
        figure_card(draw, "attention-types", caption, read=read_heat(20), fool=FOOL, table=means, least_px=640)
    chosen = session.one_of("type", types)
    cells = cells_of(run, chosen)
    with st.grid(2, min_column_width=240):
        select("Cell type", {name: name for name in types}, "type", chosen)
        names = {ALL: f"all {len(cells):,} cells of the type", **{cell: cell for cell in cells[:FEW]}}
        cell = session.one_of("cell", list(names), ALL)
        several = f"The first {FEW} of {len(cells):,}." if len(cells) > FEW else None
        select("Cell", names, "cell", cell, help=several)
    rows = means if cell == ALL else cached.attention(run.id, cell=cell)
    rows = rows[rows["type"] == chosen].nlargest(20, "weight")
    who = f"{chosen}, mean of its cells" if cell == ALL else f"cell {cell} ({chosen})"
    draw = partial(figures.attention_bars, rows, f"Attention: {who}")
    caption = provenance(run, len(cells) if cell == ALL else 1, f"{record.name}: {who}")
    figure_card(draw, "attention", caption, read=read_bars(token(run)), fool=FOOL, table=rows)


def cells_of(run: RunRecord, chosen: str | None) -> list[str]:
    """The reference's cells of a type as the data name it; where they name none, all are one."""
    obs = cached.obs(run.reference)
    return list(map(str, obs.index[obs["type"].astype(str) == chosen] if "type" in obs else obs.index))
