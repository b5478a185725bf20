"""What a data set looks like: its cells in place, and how deeply each type was measured."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from backend.figures import distributions, embeddings, maps
from backend.figures.palette import type_colours
from backend.figures.points import Measure, Places
from backend.records import DatasetRecord, StudyRecord
from pages.components import cached
from pages.components.figure_card import Draw, figure_card
from pages.components.words import count

ALIKE = "all cells"
MAP = """Each point stands where the cell was. The bar gives the scale; sections stand side by side. A type has the same
colour on every page of the study."""
MAP_FOOL = """The place of one section beside another is drawn, not measured. Where cells lie dense, some hide
others: zoom in."""
UMAP = "Each point is a cell; cells with similar expression lie near each other."
UMAP_FOOL = "Distances between far groups, and sizes of groups, mean little in a UMAP."
BOX = """A box holds the middle half of a type's cells, its line is their median, the whiskers reach from 5 % to 95 %.
In brackets: the number of cells."""
BOX_FOOL = """Depth follows the size of a cell and the instrument as much as biology. A type with few genes per cell is
predicted from little."""


def show(record: DatasetRecord, obs: pd.DataFrame, study: StudyRecord | None) -> None:
    """The study's types and colours, so that a type looks the same on every page."""
    mine = study if study and record.id in study.parts else None
    found = cached.types(mine, record.id) if mine else None
    table = found.table if found else obs
    known = len(table) == len(obs) and "type" in table
    types = table["type"].astype(str).to_numpy() if known else np.full(len(obs), ALIKE)
    colours = cached.colours(mine) if mine and known else type_colours(types)
    unit = "spot" if record.spots else "cell"
    caption = f"{record.name}: {count(record.n_cells, unit)}, measured. {found.source if found else ''}".strip()
    _cells(record, obs, types, colours, caption)
    depth = "Counts" if record.scale == "counts" else "Sum of expression"
    with st.grid(2, min_column_width=380):
        for column, what in (("counts", f"{depth} per {unit}"), ("genes", f"Genes per {unit}")):
            title = f"{what}, by type" if known else what
            draw = partial(distributions.box_by_type, obs[column], types, colours, title, what.lower())
            drawn = pd.DataFrame({"cell": obs.index, "type": types, column: obs[column].to_numpy()})
            figure_card(draw, f"data-{column}-by-type", caption, read=BOX, fool=BOX_FOOL, table=drawn)


def _cells(
    record: DatasetRecord, obs: pd.DataFrame, types: NDArray[np.object_], colours: dict[str, str], caption: str
) -> None:
    words = {"type": "Cell type", "counts": "Counts per cell", "genes": "Genes per cell"}
    by = st.segmented_control(
        "Colour by", list(words), default="type", format_func=words.__getitem__, required=True, key="by"
    )
    by = by or "type"
    if record.role == "reference":
        umap = obs["umap_1"], obs["umap_2"]
        by_type, by_value = partial(embeddings.embed_types, *umap), partial(embeddings.embed_values, *umap)
        read, fool = UMAP, UMAP_FOOL
    else:
        places = Places(obs["x_um"], obs["y_um"], obs["section"])
        by_type, by_value = partial(maps.map_types, places), partial(maps.map_values, places)
        read, fool = MAP, MAP_FOOL
    title = "Cells" if by == "type" and (types == ALIKE).all() else words[by]
    draw: Draw = partial(by_type, types, colours, title)
    if by != "type":
        draw = partial(by_value, Measure(obs[by], title), title)
    columns = [c for c in ("section", "counts", "genes", "x_um", "y_um", "umap_1", "umap_2") if c in obs]
    figure_card(draw, f"data-{by}", caption, read=read, fool=fool, table=obs[columns].assign(type=types).reset_index())
