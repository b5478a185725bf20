"""Quality: which cells are good enough to learn from, on the tissue and on the atlas."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from backend import api
from backend.errors import UserError
from backend.figures import embeddings, maps
from backend.figures.points import Places
from backend.figures.prepare.quality import KEPT, reason_colours
from backend.records import DatasetRecord, Recipe, Role, StudyRecord
from pages.components import cached
from pages.components.figure_card import Draw, figure_card
from pages.components.problems import problem, shown
from pages.components.words import count, plain
from pages.prepare.versions import making
from pages.prepare.versions.cuts import cut_cards, keep_where, share_table, take

MOST_DRAWN = 20_000  # kept cells on the map; all that are dropped are drawn besides, up to as many
READ = """Grey cells are kept, coloured ones are dropped, each in the colour of the first rule that drops it. Scattered
coloured cells are debris and doublets; that is what a cut-off is for."""
FOOL = """Dropped cells that lie together are often a kind of cell with little RNA (granulocytes, for one), or a damaged
part of the section, not poor cells everywhere: look at the table of types before you take a cut-off."""


def show(study: StudyRecord) -> None:
    role, current = making.choose_part(study)
    making.follow(study)
    base, recipe = api.recipe_of(current)
    with shown():
        _choose(study, role, base, recipe)
    making.family(study, role, current)


@st.fragment
def _choose(study: StudyRecord, role: Role, base: DatasetRecord, now: Recipe) -> None:
    suggested = api.suggested_cuts(base.id)
    top = st.container()
    controls, result = st.columns([2, 3])
    with controls:
        cuts = cut_cards(base, suggested, now)
        where = keep_where(base, now)
    recipe = now.model_copy(update={"cuts": cuts, "where": where})
    try:
        kept = api.count_kept(base.id, recipe)
    except UserError as error:
        problem(error.to_dict())
        return
    with top, st.container(horizontal=True, vertical_alignment="center", key="kept"):
        _headline(kept)
        _suggest(base, suggested, now)
        _keep(study, role, base, now, recipe, kept)
    with result:
        _result(study, role, base, kept)


def _headline(kept: api.Kept) -> None:
    n_cells = len(kept.mask)
    st.metric("Cells kept", f"{kept.n:,} of {n_cells:,} ({kept.n / max(n_cells, 1):.1%})", width="stretch")


def _suggest(base: DatasetRecord, suggested: list[api.SuggestedCut], now: Recipe) -> None:
    cuts = [one.cut for one in suggested if one.cut]
    st.button("Keep all", key=f"all.{base.id}", type="tertiary", on_click=take, args=(base, now, []))
    st.button(
        "Take the suggested cut-offs", key=f"suggested.{base.id}", icon=":material/auto_fix_high:", disabled=not cuts,
        on_click=take, args=(base, now, cuts),
        help="Cells further than 3 MADs from the median, as each measure's caption says.",
    )  # fmt: skip


def _keep(study: StudyRecord, role: Role, base: DatasetRecord, now: Recipe, recipe: Recipe, kept: api.Kept) -> None:
    why = _why_not(kept, recipe == now)
    if st.button("Keep these cells", type="primary", icon=":material/check:", disabled=bool(why), help=why or None):
        making.make(study, role, base, recipe)
    if why and kept.n < api.FEWEST_CELLS:
        st.warning(plain(why), icon=":material/block:", width="stretch")


def _why_not(kept: api.Kept, same: bool) -> str:
    if kept.n < api.FEWEST_CELLS:
        dropped = kept.dropped_by
        worst = max(dropped, key=lambda rule: dropped[rule]) if dropped else ""
        left = "No cell would be left" if not kept.n else f"Only {count(kept.n, 'cell')} would be left"
        if not worst:
            return f"There are {count(kept.n, 'cell')}: too few to leave any out. They can be used as they are."
        return f"{left}: most are dropped by “{worst}”. Loosen that one."
    return "These are the cells in use now." if same else ""


def _result(study: StudyRecord, role: Role, base: DatasetRecord, kept: api.Kept) -> None:
    names = np.array([KEPT, *kept.rules], dtype=object)[kept.reason + 1]
    _map(role, base, cached.obs(base.id), names, kept)
    dropped = [(rule, number) for rule, number in kept.dropped_by.items() if number]
    if dropped:
        st.dataframe(pd.DataFrame(dropped, columns=["dropped because", "cells"]), hide_index=True, width="stretch")
    if len(kept.sections) > 1:
        share_table(kept.sections, "section")
    if base.id in study.types:
        share_table(kept.by(cached.names(study, base.id)), "type")


def _map(role: Role, base: DatasetRecord, obs: pd.DataFrame, names: np.ndarray, kept: api.Kept) -> None:
    x, y = ("umap_1", "umap_2") if role == "reference" else ("x_um", "y_um")
    if x not in obs:
        st.caption("Too few cells for a map.")
        return
    rows = np.sort(np.concatenate([_some(np.flatnonzero(part)) for part in (kept.mask, ~kept.mask)]))
    shown, drawn = obs.iloc[rows], names[rows]
    colours = reason_colours(kept.rules)
    title = f"{kept.n:,} of {base.n_cells:,} cells kept"
    draw: Draw = partial(embeddings.embed_types, shown[x], shown[y], drawn, colours, title, legend="cells")
    if role != "reference":
        places = Places(shown[x], shown[y], kept.section[rows])
        draw = partial(maps.map_types, places, drawn, colours, title, legend="cells")
    caption = f"{base.name}: {base.n_cells:,} cells as measured; cut-offs by hand or by 3 MADs from the median."
    if len(rows) < base.n_cells:
        caption += f" {len(rows):,} are drawn, chosen at random (seed 0); the numbers are of all."
    table = pd.DataFrame({"cell": shown.index, "x": shown[x].to_numpy(), "y": shown[y].to_numpy(), "is": drawn})
    figure_card(draw, "quality", caption, read=READ, fool=FOOL, table=table)


def _some(rows: np.ndarray) -> np.ndarray:
    return np.random.default_rng(0).permutation(rows)[:MOST_DRAWN]
