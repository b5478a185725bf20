"""A figure with what belongs to it: caption, how to read it, what could fool one, downloads, a text alternative."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from backend.figures import export, style
from pages.components.words import plain


def theme() -> Any:
    """ "light" or "dark", as the browser shows the page."""
    return "dark" if st.context.theme.type == "dark" else "light"


def figure_card(
    figure: go.Figure,
    key: str,
    caption: str,
    *,
    read: str = "",
    fool: str = "",
    table: pd.DataFrame | None = None,
    least_px: int = 0,
) -> None:
    """`caption`: n, method, seed, measured on; it goes into the downloaded figures too. `table`: what was drawn.
    `least_px`: a figure of several panels does not get narrower than this; on a small screen it scrolls sideways."""
    _make_room(figure)
    with st.container(border=True, key=f"card-{key}"):
        with st.grid(1, min_column_width=least_px, wrap=False) if least_px else st.container():
            st.plotly_chart(
                figure,
                theme=None,
                width="stretch",
                key=key,
                config={"displaylogo": False, "toImageButtonOptions": {"format": "svg", "filename": f"resitu-{key}"}},
                alt=style.describe(figure),
            )
        st.caption(plain(caption))
        with st.container(horizontal=True, gap="small"):
            if read:
                st.popover("How to read this", type="tertiary", icon=":material/visibility:").markdown(read)
            if fool:
                st.popover("What could fool you", type="tertiary", icon=":material/error_outline:").markdown(fool)
            _downloads(figure, key, caption, table)


def _make_room(figure: go.Figure) -> None:
    """Legend and colour bar below the figure: at its side they would leave no room on a narrow screen."""
    place = figure.layout.uirevision
    below = {"map": -0.02, "embedding": -0.1}.get(str(place), -0.28)
    if figure.layout.legend.orientation is None:
        figure.update_layout(legend={"orientation": "h", "y": below, "yanchor": "top", "x": 0, "title_side": "top"})
    if place in ("map", "embedding") and figure.layout.coloraxis.colorbar.orientation is None:
        bar = {"orientation": "h", "y": below, "yanchor": "top", "len": 0.6, "x": 0.5}
        figure.update_layout(coloraxis_colorbar=bar)


def _downloads(figure: go.Figure, key: str, caption: str, table: pd.DataFrame | None) -> None:
    # The callables run on a click only: SVG and PNG take a browser some seconds.
    def captioned() -> go.Figure:
        return style.caption(go.Figure(figure), caption)

    kinds: Mapping[str, tuple[Any, str]] = {
        "svg": (lambda: export.image_bytes(captioned(), "svg"), "SVG, for papers"),
        "png": (lambda: export.image_bytes(captioned(), "png"), "PNG, for slides"),
        "html": (lambda: export.html_bytes(captioned()), "HTML, to zoom"),
    }
    with st.popover("Download", type="tertiary", icon=":material/download:"):
        for kind, (make, label) in kinds.items():
            st.download_button(
                label, make, f"resitu-{key}.{kind}", key=f"{key}.{kind}", type="tertiary", on_click="ignore"
            )
        if table is not None:
            table_download(table, f"resitu-{key}.csv", "CSV, what was drawn")


def table_download(table: pd.DataFrame, file_name: str, label: str = "Download table (CSV)") -> None:
    st.download_button(
        label,
        lambda: export.csv_bytes(table),
        file_name,
        "text/csv",
        key=f"table.{file_name}",
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
    )
