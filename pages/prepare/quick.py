"""Quick look: first answers from one contiguous piece of the tissue; then the whole of it."""

from __future__ import annotations

from functools import partial
from typing import Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from backend import api
from backend.figures import maps
from backend.figures.points import Places
from backend.records import DatasetRecord, Recipe, RunRecord, StudyRecord
from pages.components import cached, session
from pages.components.choice import segments
from pages.components.figure_card import figure_card
from pages.components.job_panel import job_panel
from pages.components.words import count, duration, plain, run_label
from pages.prepare.drawing import drawn_areas
from pages.prepare.versions import making

METHOD = "scxm"
WAYS = {"chosen": "Choose a region for me", "drawn": "I draw a region"}
COLOURS = {"quick look": "#D55E00", "the rest": "#9AA0A6"}
READ = """The cells in colour train the quick look: one piece, in which cells have their true neighbours. It was placed
where as many cell types as possible lie, unless you drew it."""
FOOL = "What happens elsewhere in the tissue is not in a region's answers, and its scores rest on fewer cells."


def show(study: StudyRecord) -> None:
    making.follow(study)
    tissue = api.dataset(study.tissue)
    said = api.sampled(tissue.id)
    if said:
        st.warning(plain(said), icon=":material/warning:")
    if study.region_job:
        job_panel(study.region_job, "Cutting the region out; the quick look begins by itself then")
        return
    quick, whole = _runs(study)
    if whole:
        _answers(whole, f"The whole tissue is trained: {count(tissue.n_cells, 'cell')}.")
    elif quick:
        _answers(quick, f"The quick look is done: {count(api.dataset(quick.tissue).n_cells, 'cell')}.")
    st.subheader("First answers from a region", anchor=False)
    st.markdown("Neighbourhoods need neighbours: a quick look takes one contiguous piece, never cells at random.")
    _region(study, tissue, first=not (quick or whole))
    if not whole:
        _whole(study, tissue, first=quick is not None)


def _train(study: StudyRecord, preset: str, *, quick: bool) -> None:
    run = api.start_run(study.id, METHOD, api.preset(METHOD, preset), quick=quick)
    session.put("run", run.id)
    st.rerun()


def _runs(study: StudyRecord) -> tuple[RunRecord | None, RunRecord | None]:
    """The newest run on the region and on the whole tissue that left a result; panels for those under way."""
    found: dict[bool, RunRecord] = {}
    for run in api.runs(study.id):
        is_region = run.tissue != study.tissue
        if api.has_result(run.id):
            found[is_region] = run
        elif not api.job(run.id).state.finished or session.get("run") == run.id:
            where = "a region" if is_region else "the whole tissue"
            job_panel(run.id, f"Training on {where}: {run_label(run)}")
    return found.get(True), found.get(False)


def _answers(run: RunRecord, said: str) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        verdict = api.summary(run.id).get("verdict", "")
        st.markdown(f"**{said}** {plain(verdict)}", width="stretch")
        if st.button("See what it predicts", icon=":material/insights:", key=f"see.{run.id}"):
            session.put("run", run.id)
            st.switch_page("prediction.py")


def _region(study: StudyRecord, tissue: DatasetRecord, first: bool) -> None:
    """What is trained on: a region chosen for coverage, or one that is drawn; all of a small tissue."""
    way = session.one_of("how", list(WAYS), "chosen") or "chosen"
    segments("Region", WAYS, "how", way, label_visibility="collapsed")
    wanted = api.quick_look_cells(tissue)
    if way == "chosen" and wanted == tissue.n_cells:
        st.caption(f"With {count(tissue.n_cells, 'cell')} the tissue is small: a quick look takes all of it.")
        if _button("Take a quick look", study, tissue.n_cells, "Quick look", primary=first):
            _train(study, "Quick look", quick=False)
        return
    drawn = way == "drawn"
    area = next(iter(drawn_areas(tissue, study, "quick", most=1)), None) if drawn else cached.region(study, wanted)
    if area is None:
        st.caption("Draw a region on the map with the lasso or the box of its toolbar.")
        return
    inside = api.count_kept(tissue.id, Recipe(regions=(area,))).mask
    if way == "chosen":
        _map(tissue, inside)
    cells = int(inside.sum())
    st.caption(f"{count(cells, 'cell')} of {tissue.n_cells:,} lie in the region.")
    if _button("Take a quick look", study, cells, "Quick look", primary=first):
        api.start_quick_look(study.id, area)
        st.rerun()


def _whole(study: StudyRecord, tissue: DatasetRecord, first: bool) -> None:
    st.subheader("Then the whole tissue", anchor=False)
    st.markdown("It trains in the background; whatever page you are on tells you when it is done.")
    if _button("Train on the whole tissue", study, tissue.n_cells, "Standard", primary=first):
        _train(study, "Standard", quick=False)


def _button(label: str, study: StudyRecord, cells: int, preset: str, primary: bool) -> bool:
    """A button that says how long it will take."""
    card, reference = api.cards()[METHOD], api.dataset(study.reference)
    minutes = card.minutes(cells, reference.n_cells, card.config(**api.preset(METHOD, preset)))
    kind: Literal["primary", "secondary"] = "primary" if primary else "secondary"
    return st.button(f"{label} · {duration(minutes)}", type=kind, icon=":material/play_arrow:", key=f"train {preset}")


def _map(tissue: DatasetRecord, inside: NDArray[np.bool_]) -> None:
    obs = cached.obs(tissue.id)
    groups = np.where(inside, "quick look", "the rest")
    places = Places(obs["x_um"], obs["y_um"], obs["section"])
    draw = partial(maps.map_types, places, groups, COLOURS, "The region of the quick look", legend="part of the tissue")
    caption = f"{tissue.name}: {count(tissue.n_cells, 'cell')}, measured; {int(inside.sum()):,} of them in the region."
    table = obs[["section", "x_um", "y_um"]].assign(part=groups).reset_index()
    figure_card(draw, "quick-region", caption, read=READ, fool=FOOL, table=table)
