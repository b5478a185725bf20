"""The cells that somebody drew around: who they are, and how they differ from the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from backend import api
from backend.figures.points import Places
from backend.records import RunRecord
from pages.components import cached, selection
from pages.components.figure_card import table_download

HINT = "Draw around cells on any of the maps, with lasso or box: a table of them appears here. Double-click to clear."


def values(run: RunRecord, layers: api.imputed.GeneLayers) -> pd.DataFrame:
    """What the maps are drawn from, a row per cell."""
    obs = cached.obs(run.tissue)
    table = obs[["section", "x_um", "y_um"]].reset_index()
    measured = np.nan if layers.measured is None else layers.measured
    return table.assign(
        type=layers.types, measured=measured, imputed=layers.imputed, low=layers.low, high=layers.high,
        type_mean=layers.type_mean, left=layers.residual, atlas_lacks_type=layers.hatched,
    )  # fmt: skip


def show(drawn: Any, places: Places, layers: api.imputed.GeneLayers) -> None:
    """A small table of what is drawn now."""
    inside = selection.inside(drawn, places)
    if not inside.any():
        st.caption(HINT)
        return
    table = summary(inside, layers)
    name = {"imputed": "imputed", "imputed_elsewhere": "elsewhere", "measured": "measured"}
    st.markdown(f"**{inside.sum():,} cells drawn around** ({inside.mean():.0%} of all), by type:")
    number = {key: st.column_config.NumberColumn(told, format="%.2f") for key, told in name.items()}
    number["measured_elsewhere"] = st.column_config.NumberColumn("elsewhere ", format="%.2f")
    st.dataframe(
        table,
        hide_index=True,
        height=min(320, 38 + 35 * len(table)),
        column_config={
            "type": "Type",
            "cells": st.column_config.NumberColumn("Cells", format="localized"),
            "share": st.column_config.NumberColumn("Share of drawn", format="percent"),
            **number,
        },
    )
    table_download(table, "resitu-drawn-around.csv")


def summary(inside: NDArray[np.bool_], layers: api.imputed.GeneLayers) -> pd.DataFrame:
    """A row for all cells that are drawn around and one per type, the commonest first: cells, their share, and the mean
    of each layer inside and elsewhere (of the same type)."""
    table = pd.DataFrame({"type": layers.types.astype(str), "imputed": layers.imputed})
    if layers.measured is not None:
        table["measured"] = layers.measured
    kinds = table["type"][inside].value_counts()
    rows = [_row("all", table[inside], table[~inside], int(inside.sum()))]
    for kind in kinds.index:
        same = (table["type"] == kind).to_numpy()
        rows.append(_row(str(kind), table[inside & same], table[~inside & same], int(inside.sum())))
    return pd.DataFrame(rows)


def _row(name: str, drawn: pd.DataFrame, others: pd.DataFrame, total: int) -> dict[str, Any]:
    row: dict[str, Any] = {"type": name, "cells": len(drawn), "share": len(drawn) / total}
    for layer in [layer for layer in ("measured", "imputed") if layer in drawn]:
        row |= {layer: drawn[layer].mean(), f"{layer}_elsewhere": others[layer].mean()}
    return row
