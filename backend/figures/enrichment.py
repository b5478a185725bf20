"""Gene-set enrichment: the running score of one set, and a dot per set."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from plotly.subplots import make_subplots

from backend.figures.palette import DIVERGING, GREY, TYPE_COLOURS, Theme
from backend.figures.style import FAINT, INK, dress, label, shorten


def running_score(
    score: ArrayLike,
    hits: ArrayLike,
    metric: ArrayLike,
    title: str,
    theme: Theme = "light",
    *,
    ranked_by: str = "rank metric",
) -> go.Figure:
    """One gene set along the ranked genes: running score, the set's genes as ticks, the rank metric.

    score, metric: one number per ranked gene, best first. hits: positions of the set's genes in that order.
    """
    running, ranks = np.asarray(score, dtype=np.float32), np.asarray(metric, dtype=np.float32)
    ticks, along = np.asarray(hits, dtype=np.int32), np.arange(1, len(running) + 1, dtype=np.int32)
    peak = int(np.argmax(np.abs(running))) if len(running) else 0
    figure = make_subplots(3, 1, shared_xaxes=True, vertical_spacing=0.02, row_heights=[0.6, 0.1, 0.3])
    figure.add_scatter(x=along, y=running, mode="lines", line={"color": TYPE_COLOURS[2], "width": 2.5}, row=1, col=1)
    figure.add_scatter(
        x=ticks + 1, y=np.zeros(len(ticks), dtype=np.float32), mode="markers", row=2, col=1,
        marker={"symbol": "line-ns", "size": 16, "line": {"width": 1, "color": INK[theme]}},
    )  # fmt: skip
    figure.add_scatter(x=along, y=ranks, mode="lines", fill="tozeroy", line={"color": GREY, "width": 1}, row=3, col=1)
    figure.add_hline(y=0, row=1, col=1, line_color=FAINT[theme], line_width=1)
    if len(running):
        figure.add_vline(x=peak + 1, row=1, col=1, line_color=TYPE_COLOURS[4], line_width=1.2, line_dash="dash")
    figure.update_yaxes(title_text="running score", row=1, col=1)
    figure.update_yaxes(visible=False, row=2, col=1)
    figure.update_yaxes(title_text=label(ranked_by), row=3, col=1)
    figure.update_xaxes(ticks="", row=1, col=1)
    figure.update_xaxes(ticks="", row=2, col=1)
    figure.update_xaxes(title_text=f"rank among {len(running):,} genes", row=3, col=1)
    figure.update_layout(showlegend=False, hovermode="x")
    extreme = float(running[peak]) if len(running) else 0.0
    alt = (
        f"{title}. Running enrichment score over {len(running):,} ranked genes, {len(ticks):,} of them in the set; "
        f"it peaks at {extreme:.2f} at rank {peak + 1:,}."
    )
    return dress(figure, title, theme, alt=alt, height=480)


def dot_plot(table: pd.DataFrame, title: str, theme: Theme = "light", *, most: int = 20, fdr: str = "fdr") -> go.Figure:
    """`table`: one row per set with `set`, `nes`, `size` and an FDR column. The sets of lowest FDR, by NES; a dot's
    area is the number of genes, its colour the FDR. Names stand above their rows: beside them they would leave no room
    for the dots on a telephone."""
    best = table.dropna(subset=["nes", fdr]).sort_values([fdr, "nes"], key=_surest).head(most).sort_values("nes")
    sizes = best["size"].to_numpy(dtype=np.float32)
    area = 22.0 * np.sqrt(sizes / sizes.max()) if len(sizes) else sizes
    figure = go.Figure()
    rows = [label(name) for name in best["set"]]
    inside = _ROW_PX * max(len(rows), 6)
    bar = {"title": {"text": "FDR", "side": "top"}, "thickness": 12, "len": 0.8, "outlinewidth": 0, "orientation": "h",
           "y": -52 / inside, "yanchor": "top", "tickangle": 0, "tickvals": [0.05, 0.25, 0.5]}  # fmt: skip
    figure.add_scatter(
        x=best["nes"].to_numpy(dtype=np.float32), y=rows, mode="markers",
        marker={"size": np.maximum(area, 6), "color": best[fdr].to_numpy(dtype=np.float32), "cmin": 0, "cmax": 0.5,
                "colorscale": [[0, DIVERGING[theme][-1 if theme == "light" else 3][1]], [0.1, DIVERGING[theme][3][1]],
                               [1, GREY]], "colorbar": bar, "line": {"width": 0}},
        text=[f"{name}<br>{int(size)} genes" for name, size in zip(rows, sizes)],
        hovertemplate="%{text}<br>NES %{x:.2f}, FDR %{marker.color:.3g}<extra></extra>",
    )  # fmt: skip
    figure.add_vline(x=0, line_color=FAINT[theme], line_width=1, line_dash="dot")
    figure.update_layout(xaxis_title="normalised enrichment score (NES)", title_subtitle_text="area: genes in the set")
    figure.update_layout(margin={"t": 84, "l": 24, "b": 130})
    figure.update_yaxes(type="category", range=[-0.5, len(rows) - 0.2], showticklabels=False, ticks="", showline=False)
    for row, name in zip(rows, best["set"]):
        figure.add_annotation(
            text=shorten(_ACCESSION.sub("", str(name)), 44), showarrow=False, font_size=12,
            x=0, xref="paper", xanchor="left", y=row, yanchor="bottom", yshift=_ROW_PX * 0.28,
        )  # fmt: skip
    sure = int((table[fdr] < 0.05).sum())
    alt = f"{title}. Dot plot of {len(best)} of {len(table):,} gene sets; {sure:,} have an FDR below 0.05."
    return dress(figure, title, theme, alt=alt, height=214 + inside)


_ROW_PX = 38
_ACCESSION = re.compile(r"\s+\(?(GO:\d+|R-HSA-\d+|WP\d+)\)?$")  # said on hover; in the row it would crowd out the name


def _surest(column: pd.Series) -> pd.Series:
    return -column.abs() if column.name == "nes" else column
