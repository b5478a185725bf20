"""What was drawn with lasso or box, kept in the URL, so that a link shows the same cells."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.components import session
from pages.components.selection import polygons

Corners = NDArray[np.float64]
MOST_CORNERS = 40
_CORNER = re.compile(r"(-?\d+(?:\.\d+)?)_(-?\d+(?:\.\d+)?)")


def keep(name: str, event: Any, digits: int) -> None:
    """Write what is drawn now (the last shape) to the URL's parameter; the page runs again where it is new."""
    shapes = polygons(event)
    if not shapes:
        return
    corners = shapes[-1]
    if len(corners) > MOST_CORNERS:
        corners = corners[np.linspace(0, len(corners) - 1, MOST_CORNERS).astype(int)]
    text = ".".join(f"{x:.{digits}f}_{y:.{digits}f}".replace(".", "p") for x, y in corners)
    if text != session.get(name):
        session.put(name, text)
        st.rerun()


def kept(name: str) -> Corners | None:
    """The corners that the URL names, m x 2; None where it names no area."""
    found = [_CORNER.fullmatch(part.replace("p", ".")) for part in (session.get(name) or "").split(".")]
    corners = [(float(match[1]), float(match[2])) for match in found if match]
    return np.array(corners) if len(corners) > 2 else None


def card_key(name: str) -> str:
    """Of the figure that is drawn on: another one after each `clear`, so that the old shape is forgotten."""
    return f"put-back-{name}-{st.session_state.get(f'cleared.{name}', 0)}"


def clear_button(name: str) -> None:
    if session.get(name) and st.button("Clear the drawing", icon=":material/backspace:", key=f"clear.{name}"):
        st.session_state[f"cleared.{name}"] = st.session_state.get(f"cleared.{name}", 0) + 1
        session.put(name, None)
        st.rerun()
