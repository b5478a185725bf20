"""Figures and tables to take home."""

from __future__ import annotations

import os
import shutil
from typing import Literal

import pandas as pd
import plotly.graph_objects as go

from backend.errors import UserError

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def html_bytes(figure: go.Figure) -> bytes:
    """One self-contained, interactive page: it opens without a network."""
    return str(figure.to_html(include_plotlyjs=True, full_html=True)).encode()


def image_bytes(figure: go.Figure, kind: Literal["svg", "png"], width_px: int = 1000, scale: float = 2.0) -> bytes:
    """The figure as a picture, drawn by a local Chromium. Takes some seconds. UserError where there is none."""
    browser = os.environ.get("BROWSER_PATH") or next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        raise UserError(
            "This figure cannot be drawn as a picture here.",
            "Pictures are drawn by Chromium, and none is installed on this machine.",
            "Download the figure as HTML instead, or ask for `chromium` to be installed.",
        )
    try:
        return bytes(figure.to_image(format=kind, width=width_px, scale=scale))
    except Exception as problem:  # kaleido has no error class of its own for a browser that will not start
        raise UserError(
            "This figure could not be drawn as a picture.",
            f"Chromium said: {problem}.",
            "Download the figure as HTML instead, or try again.",
        ) from problem


def csv_bytes(table: pd.DataFrame) -> bytes:
    """CSV in UTF-8. Text that a spreadsheet would run as a formula gets an apostrophe before it; numbers stay."""
    safe = table.copy()
    for place, kind in enumerate(safe.dtypes):
        if not pd.api.types.is_numeric_dtype(kind):
            safe.isetitem(place, safe.iloc[:, place].astype(object).map(_defuse).to_numpy())
    safe.columns = [_defuse(name) for name in safe.columns]
    return safe.to_csv(index=False).encode()


def _defuse(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
