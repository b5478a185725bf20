"""How sure names are: an embedding that says that they are predicted, and whether a probability means what it says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from backend.figures.embeddings import embed_types
from backend.figures.maps import frame_predicted
from backend.figures.palette import TYPE_COLOURS, Theme
from backend.figures.points import Places
from backend.figures.style import FAINT, dress, number


def embed_predicted(
    places: Places, types: ArrayLike, colours: dict[str, str], title: str, theme: Theme = "light"
) -> go.Figure:
    """Dissociated cells by a type that was predicted: in a dashed frame."""
    figure = embed_types(places.x, places.y, types, colours, title, theme)
    frame_predicted(figure, theme)
    return figure


def calibration(bins: Sequence[Sequence[float]], ece: float | None, title: str, theme: Theme = "light") -> go.Figure:
    """bins: (mean probability, share that was right, cells) each. On the dotted line, 0.8 is right 8 times in 10.

    ece: the expected calibration error, the mean distance from that line, weighted by cells (Guo et al. 2017)."""
    said, right, cells = (np.array(part, dtype=np.float32) for part in zip(*bins))
    size = 7 + 15 * np.sqrt(cells / max(float(cells.max()), 1.0))
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": FAINT[theme], "dash": "dot", "width": 1.5},
        name="as it should be", hoverinfo="skip",
    )  # fmt: skip
    figure.add_scatter(
        x=said, y=right, mode="lines+markers", name="held-out cells (larger: more cells)",
        line={"color": TYPE_COLOURS[0], "width": 2}, marker={"size": size, "opacity": 0.85}, customdata=cells,
        hovertemplate="probability %{x:.2f}: %{y:.0%} right<br>%{customdata:,.0f} cells<extra></extra>",
    )  # fmt: skip
    edge = {"range": [-0.03, 1.05], "tickformat": ".1f"}
    figure.update_layout(
        xaxis={"title": "probability, as predicted", **edge}, yaxis={"title": "share that was right", **edge}
    )
    error = "" if ece is None else f" Expected calibration error {number(ece)}."
    alt = f"{title}. Share of right names by predicted probability, {int(cells.sum()):,} cells.{error}"
    return dress(figure, title, theme, alt=alt, height=400)
