"""A version of the atlas: some tissues, diseases, donors or assays, and as many cells as this machine can train."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from backend import api
from backend.records import DatasetRecord, Recipe, StudyRecord
from pages.components import cached
from pages.components.words import count, plain
from pages.prepare.versions import making

MOST_VALUES = 40
MOST_COLUMNS = 9
FIRST = ("tissue", "tissue_general", "organ", "condition", "disease", "patient", "donor_id", "sample", "assay")
LEAST_CELLS = 100


def show(study: StudyRecord) -> None:
    base, made = api.recipe_of(study.reference)
    where = _columns(base, made)
    size, said = api.suggest_atlas_size(study.id)
    with st.grid(2, min_column_width=300):
        limit = st.toggle(
            "Fewer cells", bool(made.most_cells) or base.n_cells > size, key=f"fewer.{base.id}",
            help="Drawn evenly over the cell types: rare types stay whole, common ones are thinned.",
        )  # fmt: skip
        most = st.number_input(
            "At most this many cells", LEAST_CELLS, max(base.n_cells, LEAST_CELLS),
            min(max(LEAST_CELLS, made.most_cells or size), max(base.n_cells, LEAST_CELLS)), 500, key=f"most.{base.id}",
            disabled=not limit, help=said,
        )  # fmt: skip
    fields = {"where": where, "most_cells": int(most) if limit and most < base.n_cells else None}
    recipe = Recipe.model_validate({**made.model_dump(), **fields, "balance_by": _balance(study, base)})
    same = (recipe.where, recipe.most_cells) == (made.where, made.most_cells)
    _preview(study, base, recipe, unchanged=same)


def _columns(base: DatasetRecord, made: Recipe) -> dict[str, tuple[str, ...]]:
    """A box per column that divides the cells into a few groups; what is chosen of each, where that is not all."""
    known = api.groupings(base.id).values
    few = [name for name, values in known.items() if name != "type" and 2 <= len(values) <= MOST_VALUES]
    few.sort(key=lambda name: (name.lower() not in FIRST, name))
    if not few:
        st.caption("No column of this atlas divides its cells into a few groups: it can only be made smaller.")
    shown = few[:MOST_COLUMNS]
    chosen = {name: values for name, values in made.where.items() if name not in shown}  # chosen elsewhere: it stays
    with st.grid(3, min_column_width=240):
        for name in shown:
            told = {value: f"{value} ({cells:,})" for value, cells in known[name].items()}
            label, had = base.columns.get(name, name), made.where.get(name, ())
            kept = st.multiselect(
                plain(label.replace("_", " ").capitalize()), list(told), [one for one in had if one in told],
                format_func=told.__getitem__, placeholder="all", key=f"where.{base.id}.{name}",
            )  # fmt: skip
            if kept and len(kept) < len(told):
                chosen[name] = tuple(kept)
    return chosen


def _balance(study: StudyRecord, base: DatasetRecord) -> str | None:
    return "column" if base.has_types else study.types.get(base.id)


def _preview(study: StudyRecord, base: DatasetRecord, recipe: Recipe, unchanged: bool) -> None:
    kept = api.count_kept(base.id, recipe)
    st.markdown(f"**{kept.n:,} of {count(base.n_cells, 'cell')} kept.**")
    if "type" in cached.obs(base.id) and kept.n < base.n_cells:
        _by_type(kept.by(cached.obs(base.id)["type"].astype(str)))
    whole = recipe.empty and not unchanged
    label = "Use the whole atlas again" if whole else "Make this atlas and use it"
    if st.button(label, icon=":material/filter_alt:", disabled=unchanged or kept.n == 0):
        making.make(study, "reference", base, recipe)


def _by_type(table: pd.DataFrame) -> None:
    """What is left of each type; the types of which nothing is left in words."""
    lost = table[table["kept"] == 0]["name"].tolist()
    if lost:
        st.warning(f"No cell of {plain(', '.join(lost))} would be left.", icon=":material/warning:")
    share = st.column_config.ProgressColumn("Kept, share", min_value=0.0, max_value=1.0, format="percent")
    columns: dict[str, Any] = {"name": "Type", "cells": "Cells", "kept": "Kept", "share": share}
    shown = table.sort_values("cells", ascending=False)
    st.dataframe(shown, column_config=columns, hide_index=True, height=min(38 + 35 * len(shown), 320), width=620)
    st.caption("Within a type, cells are drawn at random (seed 0).")
