"""Who stood here: a region drawn on the tissue, and the reference cells that would have lived there."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from backend import api
from backend.figures import maps
from backend.figures.context import put_back as figures
from backend.figures.palette import Theme
from backend.figures.points import Places
from backend.records import JobStatus, RunRecord, StudyRecord
from pages.components import cached
from pages.components.figure_card import figure_card, table_download
from pages.components.words import count, provenance
from pages.predict.put_back import drawn

DRAW = """Draw around a part of the tissue with lasso or box, chosen above the map. Points are tissue cells, coloured
by type."""
PART = "A region of a few cells is smaller than what surroundings can tell apart: take one of at least some 50."
READ = """Each point is a reference cell; its colour says how much more probable it is that it came from the region
than by chance. 1: no more than from anywhere."""
FOOL = """Cells are put where their surroundings fit: cells from another part of the tissue with the same surroundings
light up as well. The reference may lack the types that live there."""
TYPES = """Filled: how much more common the type is in the region than in the whole tissue, as measured. Open: how
much more likely the reference's cells of that type are put there. Where both agree, the way back works."""
NAMES = (
    "Types of the tissue that were transferred from the reference share its errors. Rare types jump about by chance."
)


def show(study: StudyRecord, run: RunRecord, job: JobStatus) -> None:
    tissue = api.dataset(job.params["dataset"])
    obs, names = cached.obs(tissue.id), cached.names(study, tissue.id)
    places, corners = Places(obs["x_um"], obs["y_um"], obs["section"]), drawn.kept("area")
    left, right = st.columns(2)
    with left:
        inside = np.zeros(len(obs), dtype=bool) if corners is None else api.cells_inside(places.xy, corners.tolist())
        caption = f"{tissue.n_cells:,} cells of {tissue.name}, measured; {int(np.sum(inside)):,} in the region"
        draw = partial(_drawable, places, names, cached.colours(study), corners)
        table = obs[["section", "x_um", "y_um"]].reset_index().assign(type=names, inside=inside)
        event = figure_card(draw, drawn.card_key("area"), caption, read=DRAW, fool=PART, table=table)
        drawn.clear_button("area")
        drawn.keep("area", event, 0)
    with right:
        if corners is None or not np.any(inside):
            st.info("Draw a region on the map: the cells that would have lived there appear here.",
                    icon=":material/gesture_select:")  # fmt: skip
            return
        found = cached.left(_origins, job.id, np.asarray(inside, dtype=bool).tobytes())
        cells = _cells(study, run, found)
        caption = provenance(run, len(cells), f"{api.dataset(run.reference).name}; region of {inside.sum():,} cells of "
                             f"{tissue.name}, {found.chance:.0%} of it; predicted")  # fmt: skip
        draw = partial(figures.origins_map, cached.obs(run.reference), cells["times"], "Who would have stood here")
        figure_card(draw, "put-back-origins", caption, read=READ, fool=FOOL, table=cells)
    _below(study, run, names, inside, cells, found, caption)


def _origins(job_id: str, inside: bytes) -> Any:
    """inside: a byte per tissue cell. Of a long array only a part would decide what is found again."""
    return api.context.find_origins(job_id, np.frombuffer(inside, dtype=bool))


def _drawable(places: Places, names: NDArray[np.str_], colours: dict[str, str], corners: Any, *, theme: Theme) -> Any:
    figure = maps.map_types(places, names, colours, "Draw a region", theme)
    return figures.drawable(figure, [] if corners is None else corners.tolist(), theme)


def _cells(study: StudyRecord, run: RunRecord, found: Any) -> pd.DataFrame:
    """One row per reference cell: cell, type, share of its probability in the region, times chance."""
    names, cells = cached.names(study, run.reference), cached.obs(run.reference).index
    return pd.DataFrame({"cell": cells, "type": names, "share": found.share, "times": found.share / found.chance})


def _below(
    study: StudyRecord, run: RunRecord, names: NDArray[np.str_], inside: NDArray[np.bool_], cells: pd.DataFrame,
    found: Any, caption: str,
) -> None:  # fmt: skip
    if found.held_out:
        told = found.held_out
        st.markdown(
            f"**Tested on this region:** of the tissue cells whose positions were hidden, {told['inside']:,} stood in "
            f"it and {count(told['outside'], 'cell')} elsewhere; the probability tells them apart with AUROC "
            f"{told['auroc']:.2f} (0.5 is chance)."
        )
    else:
        st.caption("Too few hidden cells stood in this region to test it: draw a larger one.")
    left, right = st.columns([3, 2])
    with left:
        table = by_type(names, inside, cells)
        draw = partial(figures.types_compared, table, "Types in the region, predicted and measured")
        figure_card(draw, "put-back-types", caption, read=TYPES, fool=NAMES, table=table)
    with right:
        best = cells.nlargest(200, "times")
        st.markdown("**Likeliest cells**")
        number = st.column_config.NumberColumn
        st.dataframe(
            best, hide_index=True, height=340,
            column_config={
                "cell": "Cell", "type": "Type", "share": number("Probability", format="percent"),
                "times": number("× chance", format="%.1f"),
            },
        )  # fmt: skip
        table_download(cells, f"resitu-origins-{run.id}.csv", "All cells (CSV)")


def by_type(names: NDArray[np.str_], inside: NDArray[np.bool_], cells: pd.DataFrame) -> pd.DataFrame:
    """A row per type of the reference, the likeliest first: type, cells, predicted and measured times chance."""
    held = pd.DataFrame({"type": names, "inside": inside}).groupby("type")["inside"].mean() / max(inside.mean(), 1e-9)
    table = cells.groupby("type").agg(cells=("cell", "size"), predicted=("times", "mean")).reset_index()
    table["measured"] = table["type"].map(held)
    return table.sort_values("predicted", ascending=False, ignore_index=True)
