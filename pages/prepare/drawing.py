"""Areas drawn on the map with lasso or box, as `Area`s in micrometres of their section.

Any view may use it:

    drawn = drawn_areas(record, study, "my-key", most=1)   # a list of `Area`s, empty until something is drawn

Cells are coloured by type; `draw_on` takes other names and outlines what was drawn before. What cannot be an area
(it spans two sections, it holds no cell) is refused under the map in words and is not in the list. The areas are called
"area 1", ...: `area.model_copy(update={"name": ...})` renames one. Another key starts with an empty map.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import ArrayLike, NDArray

from backend import api
from backend.figures import maps
from backend.figures.points import Places
from backend.figures.prepare.quality import outline
from backend.figures.style import describe
from backend.records import Area, DatasetRecord, StudyRecord
from pages.components import cached
from pages.components.figure_card import theme
from pages.components.selection import polygons
from pages.components.words import count, plain

_BAR = {"displaylogo": False, "displayModeBar": True, "modeBarButtonsToRemove": ["toImage"]}
_MOST_CORNERS = 500


def drawn_areas(record: DatasetRecord, study: StudyRecord, key: str, *, most: int) -> list[Area]:
    """What is drawn now on the map of a tissue of the study: at most `most` areas, those drawn last."""
    obs = cached.obs(record.id)
    names, colours = cached.names(study, record.id), cached.colours(study)
    return draw_on(obs, names, colours, key, legend="cell type")[-most:]


def draw_on(
    obs: pd.DataFrame,
    names: ArrayLike,
    colours: Mapping[str, str],
    key: str,
    *,
    legend: str,
    shown: Sequence[Area] = (),
) -> list[Area]:
    """The map with lasso and box; returns what is drawn on it now. obs: x_um, y_um, section; names: what the cells are
    coloured by, of which `legend` is the word; shown: areas that are outlined on it."""
    places = Places(obs["x_um"], obs["y_um"], obs["section"])
    figure = maps.map_types(places, names, dict(colours), "Draw around the cells", theme(), legend=legend)
    outline(figure, {area.name: on_map(area, obs, places).tolist() for area in shown}, theme())
    below = {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0, "title_side": "top"}
    figure.update_layout(dragmode="lasso", title=None, margin_t=44, legend=below)  # on top is the bar of tools
    event = st.plotly_chart(
        figure, theme=None, key=key, config=_BAR, on_select="rerun", selection_mode=("lasso", "box"),
        alt=f"{describe(figure)} Areas can be drawn on it.",
    )  # fmt: skip
    st.caption(
        "Draw around the cells with the mouse: lasso or box, chosen above the map. Hold Shift to draw another; "
        "double-click to clear."
    )
    areas: list[Area] = []
    for corners in polygons(event):
        area = area_of(corners, obs, places, f"area {len(shown) + len(areas) + 1}")
        if isinstance(area, Area):
            areas.append(area)
        else:
            st.warning(plain(area), icon=":material/block:")
    return areas


def area_of(corners: NDArray[np.float64], obs: pd.DataFrame, places: Places, name: str) -> Area | str:
    """The polygon as an area of the one section whose cells it holds; a sentence where it is none. corners: on the
    map, where sections stand side by side: it is moved back to where its section was measured."""
    if len(corners) > _MOST_CORNERS:
        corners = corners[np.linspace(0, len(corners) - 1, _MOST_CORNERS).astype(int)]
    inside = api.cells_inside(places.xy, corners.tolist())
    held = obs["section"][inside].astype(str).value_counts()
    held = held[held > 0]
    if held.empty:
        return "The area holds no cell: draw it around some. Nothing was changed."
    if len(held) > 1:
        told = " and ".join(f"{count(cells, 'cell')} of {section}" for section, cells in held.items())
        return f"The area lies across {len(held)} sections: {told}. Draw one in each. Nothing was changed."
    section = str(held.index[0])
    back = corners - _shift(section, obs, places)
    return Area(name=name, section=section, corners=tuple((float(x), float(y)) for x, y in back))


def on_map(area: Area, obs: pd.DataFrame, places: Places) -> NDArray[np.float64]:
    """An area's corners where the map shows its section."""
    return np.asarray(area.corners) + _shift(area.section, obs, places)


def _shift(section: str, obs: pd.DataFrame, places: Places) -> NDArray[np.float64]:
    """From where a section was measured to where the map shows it."""
    if section not in places.members and len(places.members) > 1:
        return np.zeros(2)
    row = places.members.get(section, next(iter(places.members.values())))[0]
    measured = obs[["x_um", "y_um"]].iloc[row].to_numpy(dtype=np.float64)
    return np.asarray(places.xy[row] - measured, dtype=np.float64)
