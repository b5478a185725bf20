"""Where did these cells stand: a probability for every place of the tissue, and the regions that should hold them."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from backend import api
from backend.figures.context import put_back as figures
from backend.figures.points import Places
from backend.records import JobStatus, RunRecord, StudyRecord
from pages.components import cached
from pages.components.figure_card import figure_card, table_download
from pages.components.words import plain, provenance
from pages.predict.put_back import choose

READ = """Each point is a place of the tissue. Its colour says how much more probable it is for the chosen cells than
if they could stand anywhere: 1 is chance. What is predicted around the cells, and their own expression at the
tissue's depth, is held against what was measured around the place."""
FOOL = """The map finds *kinds* of places: where one kind occurs several times, all of them light up, and a cell came
from one. A cell whose type the tissue lacks is still put somewhere. What differs between the two platforms can look
like place."""
REGIONS = """The darkest region is the smallest that should hold half of the chosen cells; the next ones 80 and 90 %.
On hidden tissue cells this was tested: see *How sure is that?*"""
BROAD = """A region that covers half of the tissue says little. The shares were tested on cells of this tissue, not on
dissociated ones, which were measured on another platform."""


def show(study: StudyRecord, run: RunRecord, job: JobStatus) -> None:
    left, right = st.columns([2, 3])
    with left:
        rows, words = choose.chosen_cells(study, run)
    with right:
        if not len(rows):
            st.info(
                "Choose cells: a map of where they would have stood appears here.", icon=":material/gesture_select:"
            )
            return
        _maps(run, job, cached.left(api.context.place_cells, job.id, rows), words)


def _maps(run: RunRecord, job: JobStatus, placed: Any, words: str) -> None:
    tissue, facts = api.dataset(job.params["dataset"]), job.result
    obs = cached.obs(tissue.id)
    places = Places(obs["x_um"], obs["y_um"], obs["section"])
    used = len(placed.guesses)
    if used < placed.asked:
        st.caption(plain(f"Of {placed.asked:,} chosen cells a random {used:,} are put back."))
    way = "optimal transport" if facts["firmness"] else "kernel matching"
    caption = provenance(run, used, f"{words}; put on {tissue.name} by {way} ({evidence(facts)}); predicted")
    table = obs[["section", "x_um", "y_um"]].reset_index().assign(times_chance=placed.times, region=placed.region)
    draw = partial(figures.probability_map, places, placed.times, "Where they would have stood")
    figure_card(draw, "put-back-map", caption, read=READ, fool=FOOL, table=table)
    draw = partial(figures.region_map, places, placed.region, "Regions that should hold them")
    figure_card(draw, "put-back-regions", caption, read=REGIONS, fool=BROAD, table=table)
    guesses = placed.guesses.assign(cell=cached.obs(run.reference).index[placed.guesses["row"]])
    table_download(
        pd.DataFrame(guesses[["cell", "section", "x_um", "y_um"]]), f"resitu-put-back-{run.id}.csv",
        "Best guess of each cell (CSV)",
    )  # fmt: skip


def evidence(facts: dict[str, Any]) -> str:
    """What of a cell was heard."""
    return {
        "both": "predicted context and expression",
        "context": "predicted context alone",
        "expression": "expression alone",
    }[facts["kind"]]
