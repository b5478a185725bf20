"""A test of attention: the verdict, then genes and deletion curves of all cells, a type, a niche or one cell."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from backend import api
from backend.figures import attention as plain_figures
from backend.figures.context import attention as figures
from backend.records import JobStatus, RunRecord
from pages.components import cached, session
from pages.components.choice import segments, select
from pages.components.figure_card import figure_card
from pages.components.words import plain, provenance
from pages.predict.attending import parts
from pages.predict.attending.scope import Scope
from pages.predict.attending.words import CURVE, CURVE_FOOL, FOOL, RATIO, read_bars, read_chance, read_heat, token

BOXES = {"yes": st.success, "little": st.info, "no": st.warning}
BY = {"all": "All cells", "type": "Cell types", "niche": "Niches", "cell": "One cell"}


def show(run: RunRecord, job: JobStatus) -> None:
    found = cached.left(api.context.attention_test, job.id)
    facts = found.facts
    first, *rest = facts["verdict"]
    BOXES[facts["matters"]](plain(first), icon=":material/biotech:")
    st.caption("  \n".join(map(plain, rest)))
    by = session.one_of("by", list(BY), "all") or "all"
    segments("Of", BY, "by", by, label_visibility="collapsed")
    everyone = _where(run, "all cells", facts["cells"], facts)
    if by in ("type", "niche"):
        _overview(found, by, everyone)
    scope = _scope(found, by)
    where = _where(run, scope.name, len(scope.rows), facts)
    left, right = st.columns([3, 2])
    with left:
        _genes(found, scope, where, token(run))
    with right:
        _curve(found, scope, where)
    parts.show(found, scope, where, everyone)


def _scope(found: api.context.AttentionTest, by: str) -> Scope:
    """Which cells are looked at, as the URL says."""
    cells = found.tables["cells"]
    if by == "all":
        return Scope("all", "all cells", cells.index.to_numpy())
    if by != "cell":
        names = sorted(cells[by].unique())
        chosen = session.one_of(by, names) or names[0]
        select("Cell type" if by == "type" else "Niche", {name: name for name in names}, by, chosen, width=480)
        return Scope(by, chosen, cells.index[cells[by] == chosen].to_numpy())
    types = sorted(cells["type"].unique())
    chosen = session.one_of("type", types) or types[0]
    mine = cells[cells["type"] == chosen]
    with st.grid(2, min_column_width=240):
        select("Cell type", {name: name for name in types}, "type", chosen)
        cell = session.one_of("cell", list(mine["cell"].astype(str)))
        select("Cell", {name: name for name in mine["cell"].astype(str)}, "cell", cell, help="Those that were tested.")
    return Scope("cell", f"{cell} ({chosen})", mine.index[mine["cell"].astype(str) == cell].to_numpy())


def _where(run: RunRecord, name: str, cells: int, facts: dict[str, Any]) -> str:
    tested = f"{facts['cells']:,} of {facts['of_cells']:,} cells tested, as many of each type, each read once"
    return provenance(run, cells, f"{api.dataset(run.reference).name}, {name}: {tested}, seed {facts['seed']}")


def _genes(found: api.context.AttentionTest, scope: Scope, where: str, who: str) -> None:
    if scope.by == "cell":
        rows = scope.heads(found)
        rows = rows[(rows["layer"] == rows["layer"].max()) & (rows["head"] == figures.MEAN)]
        draw = partial(plain_figures.attention_bars, rows, f"Attention: {scope.name}")
        figure_card(draw, "attention-genes", where, read=read_bars(who), fool=FOOL, table=rows)
        return
    genes = found.tables["genes"]
    rows = genes[(genes["by"] == scope.by) & (genes["group"] == scope.name)]
    caption = f"{where} · {found.facts['shuffles']} shuffles"
    draw = partial(figures.bars_against_chance, rows, f"Attention: {scope.name}")
    figure_card(draw, "attention-genes", caption, read=read_chance(who), fool=FOOL, table=rows)


def _curve(found: api.context.AttentionTest, scope: Scope, where: str) -> None:
    if scope.by == "cell":
        changes = found.tables["deletion"]
        rows = changes[changes["row"].isin(scope.rows)].dropna(subset=["attended"])
    else:
        groups = found.tables["groups"]
        rows = groups[(groups["by"] == scope.by) & (groups["group"] == scope.name)]
    if rows.empty:
        st.info("Too few genes were read here to delete some of them.", icon=":material/info:")
        return
    caption = f"{where} · random: mean of {found.facts['sets']} sets of genes"
    draw = partial(figures.deletion_curve, rows, f"Without genes: {scope.name}")
    figure_card(draw, "attention-deletion", caption, read=CURVE, fool=CURVE_FOOL, table=rows)


def _overview(found: api.context.AttentionTest, by: str, where: str) -> None:
    groups, facts = found.tables["groups"], found.facts
    rows: pd.DataFrame = groups[(groups["by"] == by) & (groups["k"] == facts["k"])]
    if rows.empty:
        return
    heads = found.tables["heads"]
    means = heads[(heads["by"] == by) & (heads["layer"] == facts["layers"] - 1) & (heads["head"] == figures.MEAN)]
    what = "cell type" if by == "type" else "niche"
    draw = partial(plain_figures.attention_heat, means.rename(columns={"group": "type"}), f"Attention by {what}")
    figure_card(draw, "attention-groups", where, read=read_heat(15), fool=FOOL, table=means, least_px=640)
    title = f"{facts['k']} genes deleted: attended against random, by {what}"
    draw = partial(figures.ratio_dots, rows, title)
    figure_card(draw, f"attention-by-{by}", where, read=RATIO, fool=CURVE_FOOL, table=rows)
