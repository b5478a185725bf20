"""A figure with what belongs to it: caption, how to read it, what could fool one, downloads, a text alternative."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from backend.figures import export, style
from backend.figures.palette import Theme
from pages.components.words import plain

_BELOW_PX = {"map": 6, "embedding": 34}  # from the plot to what stands below it; elsewhere an axis is between
_LEAST_PX = 140  # of the plot itself
_CLEAR = "rgba(0, 0, 0, 0)"  # a legend's ground would cover the dashed frame of a prediction
# What one takes home is drawn anew, light and with its caption: the chart's own camera would do neither.
_BAR = {"displaylogo": False, "modeBarButtonsToRemove": ["toImage"]}


class Draw(Protocol):
    """A figure of `backend.figures`, all but its theme given."""

    def __call__(self, *, theme: Theme) -> go.Figure: ...


def theme() -> Theme:
    """As the browser shows the page."""
    return "dark" if st.context.theme.type == "dark" else "light"


def figure_card(
    draw: Draw, key: str, caption: str, *, read: str, fool: str, table: pd.DataFrame, least_px: int = 0
) -> Any:
    """`caption`: n, method, seed, measured on; it goes into the downloaded figures too. `table`: what was drawn.
    `least_px`: a figure of several panels does not get narrower than this; on a small screen it scrolls sideways.
    Returns what is drawn on a figure whose drag mode is the lasso, or was clicked (`selection`)."""
    figure = draw(theme=theme())
    _make_room(figure)
    bar: dict[str, Any] = {"config": _BAR}
    if figure.layout.dragmode == "lasso":
        bar = {"config": _BAR | {"displayModeBar": True}, "on_select": "rerun", "selection_mode": ("lasso", "box")}
    elif figure.layout.clickmode == "event+select":
        bar |= {"on_select": "rerun", "selection_mode": "points"}
    with st.container(border=True, key=f"card-{key}"):
        with st.grid(1, min_column_width=least_px, wrap=False) if least_px else st.container():
            alt = f"{style.describe(figure)} {caption}"
            drawn = st.plotly_chart(figure, theme=None, width="stretch", key=key, alt=alt, **bar)
        st.caption(plain(caption))
        with st.container(horizontal=True, gap="small"):
            st.popover("How to read this", type="tertiary", icon=":material/visibility:").markdown(read)
            st.popover("What could fool you", type="tertiary", icon=":material/error_outline:").markdown(fool)
            _downloads(draw, key, caption, table)
    return drawn


def _make_room(figure: go.Figure) -> None:
    """Legend and colour bar below the figure: at its side they would leave no room on a narrow screen."""
    place = figure.layout.uirevision
    layout = figure.layout
    inside_px = layout.height - layout.margin.t - (56 if layout.margin.b is None else layout.margin.b)
    below = -_BELOW_PX.get(str(place), 56) / inside_px
    if layout.legend.orientation is None:
        edge = {"yref": "container", "y": 0, "yanchor": "bottom"}  # plotly then makes room for it and for the axis
        figure.update_layout(legend={"orientation": "h", **edge, "x": 0, "title_side": "top", "bgcolor": _CLEAR})
        names = [str(trace.name) for trace in figure.data if trace.name and trace.showlegend is not False]
        figure.update_layout(height=max(layout.height, layout.height - inside_px + _LEAST_PX + _legend_px(names)))
    if place in ("map", "embedding") and figure.layout.coloraxis.colorbar.orientation is None:
        bar = {"orientation": "h", "y": below, "yanchor": "top", "len": 0.6, "x": 0.5}
        figure.update_layout(coloraxis_colorbar=bar)


def _legend_px(names: list[str]) -> int:
    """The height of a legend on a narrow screen, where some 280 px are left for its columns."""
    columns = max(1, 280 // (45 + 7 * max(map(len, names), default=1)))
    return 20 * (1 + math.ceil(len(names) / columns))


def to_take_home(draw: Draw, caption: str) -> go.Figure:
    """The figure as it is downloaded, whatever the page looks like: on white, its caption in the picture."""
    return style.caption(draw(theme="light"), caption)


def _downloads(draw: Draw, key: str, caption: str, table: pd.DataFrame) -> None:
    # The callables run on a click only: SVG and PNG take a browser some seconds.
    kinds: Mapping[str, tuple[Callable[[], bytes], str]] = {
        "svg": (lambda: export.image_bytes(to_take_home(draw, caption), "svg"), "SVG, for papers"),
        "png": (lambda: export.image_bytes(to_take_home(draw, caption), "png"), "PNG, for slides"),
        "html": (lambda: export.html_bytes(to_take_home(draw, caption)), "HTML, to zoom"),
    }
    with st.popover("Download", type="tertiary", icon=":material/download:"):
        for kind, (make, label) in kinds.items():
            file_name = f"resitu-{key}.{kind}"
            st.download_button(label, make, file_name, key=f"{key}.{kind}", type="tertiary", on_click="ignore")
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
