"""The controls of quality: a histogram and a slider per measure, and columns whose values are kept."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from backend import api
from backend.figures.prepare.quality import cut_histogram
from backend.figures.style import describe
from backend.records import Cut, DatasetRecord, Recipe
from pages.components.figure_card import theme
from pages.components.words import plain

_STEPS = 80
_BAR = {"displayModeBar": False, "staticPlot": False}


def cut_cards(record: DatasetRecord, suggested: Sequence[api.SuggestedCut], now: Recipe) -> tuple[Cut, ...]:
    """A card per measure; returns the cuts as they stand."""
    table = api.measures(record.id)
    slot = _slot(record, now)
    start, turn = _start(slot, now)
    cuts = []
    for one in suggested:
        values = table[one.measure].to_numpy()
        scale = _scale(one, values, start.get(one.measure))
        with st.container(border=True, key=f"cut-{one.measure}"):
            cut = _card(one, values, scale, _ends(scale, start.get(one.measure)), f"{slot}.{turn}.{one.measure}")
        if cut:
            cuts.append(cut)
    own = tuple(cut for cut in now.cuts if cut.measure not in table)  # of another column, made at the command line
    return (*own, *cuts)


def take(record: DatasetRecord, now: Recipe, cuts: Sequence[Cut]) -> None:
    """Set every slider: to these cuts, and to none where there is none. For a button's `on_click`."""
    slot = _slot(record, now)
    turn = _start(slot, now)[1] + 1  # a slider starts anew under another key
    st.session_state[slot] = {"turn": turn, "cuts": [cut.model_dump(mode="json") for cut in cuts]}


def _start(slot: str, now: Recipe) -> tuple[dict[str, Cut], int]:
    """Where the sliders start: as the recipe in use says, or as was asked for since; and how often it was asked."""
    asked = st.session_state.get(slot, {"turn": 0, "cuts": now.model_dump(mode="json")["cuts"]})
    cuts = [Cut.model_validate(cut) for cut in asked["cuts"]]
    return {cut.measure: cut for cut in cuts}, int(asked["turn"])


def _card(
    one: api.SuggestedCut, values: np.ndarray, scale: list[float], start: tuple[float, float], key: str
) -> Cut | None:
    share = _is_share(one)
    title = f"{one.title} ({one.unit})" if one.unit.startswith("µ") else one.title
    above = st.container()
    told_as = _percent if share else _plain_number
    low, high = st.select_slider(title, scale, start, key=key, format_func=told_as, label_visibility="collapsed")
    least, most = (low if low > scale[0] else None), (high if high < scale[-1] else None)
    with above:
        st.markdown(f"**{title}**")
        figure = cut_histogram(values, (least, most), one.title, theme(), skewed=not share)
        st.plotly_chart(figure, theme=None, key=f"histogram.{key}", config=_BAR, alt=describe(figure))
    told = [_said(one, end, word) for end, word in ((one.least, "at least"), (one.most, "at most")) if end is not None]
    st.caption(plain(f"Suggested: {', '.join(told)}. {one.reason}" if told else f"Nothing to cut. {one.reason}"))
    return Cut(measure=one.measure, least=least, most=most) if (least, most) != (None, None) else None


def _percent(value: float) -> str:
    return f"{100 * value:.3g} %"


def _plain_number(value: float) -> str:
    return f"{value:,.6g}"


def _said(one: api.SuggestedCut, end: float, word: str) -> str:
    return f"{word} {(_percent if _is_share(one) else _plain_number)(end)}"


def _is_share(one: api.SuggestedCut) -> bool:
    return one.measure.endswith("_share")


def _slot(record: DatasetRecord, now: Recipe) -> str:
    """Where the widgets of this data set keep their values; another recipe in use, after an undo, starts anew."""
    return f"prepare.cut.{record.id}.{zlib.crc32(now.model_dump_json().encode())}"


def _scale(one: api.SuggestedCut, values: np.ndarray, had: Cut | None) -> list[float]:
    """The stops of a slider: closest near 0 for a share, else each some per cent above the last. The first and the last
    are as good as no cut; what is suggested, and what was chosen before, are stops too."""
    known = values[np.isfinite(values)].astype(np.float64)
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    if _is_share(one):
        stops = np.append(np.round(max(high, 0.01) * np.linspace(0, 1, _STEPS) ** 2, 3), np.ceil(1000 * high) / 1000)
    else:
        whole = one.measure in ("counts", "genes")
        stops = np.geomspace(max(low, 1e-3), max(high, low + 1e-3, 2e-3), _STEPS)
        stops = np.unique(np.rint(stops)) if whole and high > 50 else np.array([float(f"{v:.3g}") for v in stops])
        stops = np.append(stops, [min(0.0, low), np.ceil(high)])
    extra = [end for cut in (one.cut, had) if cut for end in (cut.least, cut.most) if end is not None]
    return sorted({float(stop) for stop in np.append(stops, extra)})


def _ends(scale: list[float], cut: Cut | None) -> tuple[float, float]:
    least = scale[0] if cut is None or cut.least is None else cut.least
    most = scale[-1] if cut is None or cut.most is None else cut.most
    return least, most


def keep_where(record: DatasetRecord, now: Recipe) -> dict[str, tuple[str, ...]]:
    """Columns of the cells, and which of their values are kept."""
    known = api.groupings(record.id)
    offered = [column for column, values in known.values.items() if len(values) > 1]
    where: dict[str, tuple[str, ...]] = {}
    if not offered:
        return where
    columns = st.multiselect(
        "Keep only rows where", offered, [column for column in now.where if column in offered],
        key=f"{_slot(record, now)}.where", placeholder="a column of the cells …",
    )  # fmt: skip
    for column in columns:
        values = {f"{value} ({cells:,})": value for value, cells in known.values[column].items()}
        had = [told for told, value in values.items() if value in now.where.get(column, ())]
        chosen = st.multiselect(
            f"{plain(column)} is", list(values), had, key=f"{_slot(record, now)}.where.{column}",
            placeholder="any value: choose those to keep",
        )  # fmt: skip
        if chosen:
            where[column] = tuple(values[told] for told in chosen)
    if known.too_many:
        listed = ", ".join(f"{name} ({number:,})" for name, number in list(known.too_many.items())[:4])
        st.caption(plain(f"Not offered, since they have more than 200 different values: {listed}."))
    return where


def share_table(table: pd.DataFrame, what: str) -> None:
    """Name, cells, kept and the share kept, with the share as a bar."""
    st.dataframe(
        table.rename(columns={"name": what}), hide_index=True, width="stretch", height="content",
        column_config={
            "cells": st.column_config.NumberColumn("cells", format="localized"),
            "kept": st.column_config.NumberColumn("kept", format="localized"),
            "share": st.column_config.ProgressColumn("share kept", format="percent", min_value=0, max_value=1),
        },
    )  # fmt: skip
