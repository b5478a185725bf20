"""What sections would come of a recipe: on the map, as a table, and the button that makes them."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from backend import api
from backend.errors import UserError
from backend.figures import maps
from backend.figures.palette import type_colours
from backend.figures.points import Places
from backend.records import DatasetRecord, Recipe, StudyRecord
from pages.components import cached
from pages.components.figure_card import figure_card
from pages.components.problems import problem
from pages.components.words import count, plain
from pages.prepare.versions import making

MOST_DRAWN = 40_000
READ = """Each colour is a section. Neighbours, contexts, niches and Moran's I are computed within a section and never
across two; splits may go by section, patient or sample."""
FOOL = """A fold, a tear or a large vessel may look like a gap, and two tissues that touch like one. Cells of two
sections laid over each other would become neighbours that never were."""


def offer(
    study: StudyRecord, base: DatasetRecord, now: Recipe, recipe: Recipe, label: str, *, preview: bool = True
) -> None:
    """Draw what would come of it. Refuses in words what does not fit; nothing is changed then."""
    try:
        kept = api.count_kept(base.id, recipe)
    except UserError as error:
        problem(error.to_dict())
        return
    same = recipe == now
    why = "This is how it is now." if same else None
    if st.button(label, type="primary", icon=":material/check:", disabled=same, key="use sections", help=why):
        making.make(study, "tissue", base, recipe)
    for note in kept.notes:
        st.caption(plain(note))
    if preview:
        _preview(base, kept)


def _preview(base: DatasetRecord, kept: api.Kept) -> None:
    """The cells that stay in, coloured by their section to be."""
    stay = np.flatnonzero(kept.mask)
    rows = np.sort(np.random.default_rng(0).permutation(stay)[:MOST_DRAWN])
    obs, names = cached.obs(base.id).iloc[rows], kept.section[rows].astype(str)
    places = Places(obs["x_um"], obs["y_um"], cached.obs(base.id)["section"].iloc[rows])
    found = kept.sections
    title = f"{count(len(found), 'section')} of {kept.n:,} cells"
    draw = partial(maps.map_types, places, names, type_colours(found["name"]), title, legend="section")
    caption = f"{base.name}: {kept.n:,} cells; sections as they would be."
    if len(rows) < kept.n:
        caption += f" {len(rows):,} are drawn, chosen at random (seed 0)."
    drawn = pd.DataFrame({"cell": obs.index, "x_um": obs["x_um"].to_numpy(), "y_um": obs["y_um"].to_numpy()})
    figure_card(draw, "sections", caption, read=READ, fool=FOOL, table=drawn.assign(section=names))
    cells = st.column_config.NumberColumn("cells", format="localized")
    st.dataframe(_table(kept), hide_index=True, width="stretch", column_config={"cells": cells})


def _table(kept: api.Kept) -> pd.DataFrame:
    """A row per section: its cells, and its sample, patient and condition where they are known."""
    rows = pd.DataFrame({name: values[kept.mask].astype(str) for name, values in kept.names.items() if name != "type"})
    others = [str(name) for name in rows if name != "section"]
    groups = rows.groupby("section")
    columns = {"cells": groups.size(), **{name: groups[name].agg(_several) for name in others}}
    return pd.DataFrame(columns).reset_index()


def _several(values: pd.Series) -> str:
    names = values.unique()
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
