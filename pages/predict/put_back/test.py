"""How sure is that: tissue cells whose positions were hidden, put back, and the distance to where they truly stood."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from backend import api
from backend.figures.context import put_back as figures
from backend.records import JobStatus, RunRecord, StudyRecord
from pages.components import cached
from pages.components.figure_card import figure_card, table_download
from pages.components.words import plain, provenance

NAMES = {"used": "what is used here", "type only": "by cell type alone", "random": "anywhere"}
READ = """How many of the hidden cells (up) lie within which distance (right) of their best guess. The further to the
left a curve, the better. Each rival makes its best guess by the same rule: the place from which the expected distance
is smallest."""
FOOL = """Guessing the middle of the tissue is never far off: compare with *anywhere*, not with zero. Where one kind
of place occurs several times, no method can know which of them a cell came from."""
HELD = """A region that is said to hold 80 % of cells should hold 80 % of those whose positions were hidden. On the
dashed line it does; below it, the regions are too small."""
SAME = """Hidden cells come from the same tissue and platform as the places. Reference cells do not, so for them the
regions may be worse than shown."""
FEWEST = 10  # hidden cells of a type: a median of fewer says nothing
ROWS = {
    "used": "Used", "matching, both": "Kernel matching: context and expression",
    "matching, context": "Kernel matching: predicted context alone",
    "matching, expression": "Kernel matching: own expression alone",
    "transport, firmness 0.5": "Optimal transport, relaxed", "transport, firmness 1": "Optimal transport, strict",
    "type only": "Cell type alone", "random": "Anywhere",
}  # fmt: skip


def show(study: StudyRecord, run: RunRecord, job: JobStatus) -> None:
    found = cached.left(api.context.put_back, job.id)
    facts, tissue = found.facts, api.dataset(job.params["dataset"])
    st.markdown(f"**{plain(facts['verdict'])}**")
    for warning in facts["warnings"]:
        st.caption(plain(warning))
    _numbers(facts)
    measured_on = f"{tissue.name}: positions of {facts['hidden']:,} cells hidden, half of them chose the settings"
    caption = provenance(run, facts["reported"], measured_on)
    left, right = st.columns(2)
    with left:
        draw = partial(figures.error_curves, found.cells, NAMES, "How far off the best guess is")
        drawn = found.cells[found.cells["way"].isin(list(NAMES))]
        figure_card(draw, "put-back-errors", caption, read=READ, fool=FOOL, table=drawn)
    with right:
        rows = {"single cells": facts["calibration"], "cells of one type as a group": facts["groups"]}
        draw = partial(figures.calibration, rows, "Do the regions hold what they say?")
        table = pd.concat([pd.DataFrame(part).assign(of=name) for name, part in rows.items()])
        figure_card(draw, "put-back-calibration", caption, read=HELD, fool=SAME, table=table)
    if "type" in found.cells:
        _by_type(found.cells)
    _table(facts, run)


def _by_type(cells: pd.DataFrame) -> None:
    table = by_type(cells)
    if table.empty:
        return
    st.subheader("Which cells can be put back", anchor=False)
    st.caption(
        "A type that lives in one kind of place, found once, is placed well; one that lives everywhere is not. Types "
        f"of fewer than {FEWEST} hidden cells are left out."
    )
    number = st.column_config.NumberColumn
    st.dataframe(
        table, hide_index=True,
        column_config={
            "type": "Type", "cells": number("Hidden cells"), "used": number("Best guess, µm", format="%.0f"),
            "type only": number("By type alone, µm", format="%.0f"), "ratio": number("Ratio", format="%.2f"),
        },
    )  # fmt: skip
    table_download(table, "resitu-put-back-types.csv")


def by_type(cells: pd.DataFrame) -> pd.DataFrame:
    """Median distances of the best guess per type with enough hidden cells: type, cells, used, type only, ratio (the
    best first)."""
    medians = cells.pivot_table(index="type", columns="way", values="guess_um", aggfunc="median")
    counts = cells[cells["way"] == "used"].groupby("type").size()
    table = medians[["used", "type only"]].assign(cells=counts).reset_index()
    table["ratio"] = table["used"] / table["type only"]
    table = table.loc[table["cells"] >= FEWEST, ["type", "cells", "used", "type only", "ratio"]]
    return table.sort_values("ratio", ignore_index=True)


def _numbers(facts: dict[str, Any]) -> None:
    rows = {row["way"]: row for row in facts["ways"]}
    rival = rows[facts["rival"]]
    ends = facts["ratios"]["guess_um"]
    cards = [
        ("Best guess, median", f"{rows['used']['guess_um']:,.0f} µm", "Half of the hidden cells lie nearer."),
        (
            f"{'Type alone' if facts['rival'] == 'type only' else 'Anywhere'}, same rule",
            f"{rival['guess_um']:,.0f} µm",
            "The best guess of a map that knows only the cell's type.",
        ),
        ("Ratio", f"{ends['ratio']:.2f}", f"95 % interval {ends['low']:.2f} to {ends['high']:.2f}, over cells."),
        (
            "A random cell of the type",
            f"{rival['drawn_um']:,.0f} µm",
            "What it means to put each cell on a random cell of its type: the median distance.",
        ),
    ]
    with st.grid(4, min_column_width=150):
        for name, value, explained in cards:
            st.metric(name, value, help=explained, border=True)


def _table(facts: dict[str, Any], run: RunRecord) -> None:
    st.subheader("Every way that was tried", anchor=False)
    st.caption(
        "What is used was chosen on hidden cells that are not among those reported: the way under which their true "
        "places were most probable."
    )
    table = pd.DataFrame(facts["ways"])
    shown = table.assign(name=table["way"].map(ROWS))[["name", "guess_um", "guess_low", "guess_high", "drawn_um"]]
    number = st.column_config.NumberColumn
    st.dataframe(
        shown, hide_index=True,
        column_config={
            "name": "Way", "guess_um": number("Best guess, µm", format="%.0f", help="Median over hidden cells."),
            "guess_low": number("25 %", format="%.0f"), "guess_high": number("75 %", format="%.0f"),
            "drawn_um": number("Drawn, µm", format="%.0f", help="To a place drawn from the map; median."),
        },
    )  # fmt: skip
    table_download(table, f"resitu-put-back-test-{run.id}.csv")
