"""Dot plots: genes across groups of cells. The size of a dot is the share of cells that express the gene, its colour
their mean expression relative to the group that expresses the gene most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from backend.figures.palette import SEQUENTIAL, Theme
from backend.figures.style import FAINT, dress, label, make_room, shorten

MOST_COLUMNS = 48
_LARGEST_PX = 15.0
_ROW_PX = 24
_HEAD_LETTERS = 20
_SHARES = (0.1, 0.5, 1.0)  # shown in the legend


def dot_plot(dots: pd.DataFrame, rows: Sequence[str], title: str, theme: Theme = "light") -> go.Figure:
    """dots: long, with cluster, type, gene, mean (log-normalised expression) and share (of cells above 0). rows: the
    clusters from top to bottom. Genes stand under the type that they mark; of many types only the first genes."""
    types = list(dict.fromkeys(dots["type"].astype(str)))
    most = max(1, MOST_COLUMNS // max(1, len(types)))
    columns = dots.drop_duplicates(["type", "gene"])[["type", "gene"]].astype(str)
    columns = columns[columns.groupby("type", sort=False).cumcount() < most].reset_index(drop=True)
    place = {pair: x for x, pair in enumerate(columns.itertuples(index=False, name=None))}
    pairs = pd.Series(zip(dots["type"].astype(str), dots["gene"].astype(str)), index=dots.index)
    shown = dots.assign(x=pairs.map(place), y=dots["cluster"].map({name: y for y, name in enumerate(rows)}))
    shown = shown.dropna(subset=["x", "y"])
    highest = shown.groupby("x")["mean"].transform("max")
    relative = shown["mean"] / highest.where(highest > 0, 1.0)
    figure = go.Figure()
    figure.add_scatter(
        x=shown["x"].to_numpy(np.float32), y=shown["y"].to_numpy(np.float32), mode="markers", showlegend=False,
        marker={"size": _px(shown["share"]), "color": relative.to_numpy(np.float32), "coloraxis": "coloraxis",
                "line": {"width": 0.5, "color": FAINT[theme]}},
        text=[f"{label(row.gene)} in {label(row.cluster)}<br>{row.share:.0%} of cells, mean {row.mean:.2f}"
              for row in shown[["gene", "cluster", "share", "mean"]].itertuples(index=False)],
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
    for share in _SHARES:
        figure.add_scatter(
            x=[None], y=[None], mode="markers", name=f"{share:.0%}",
            marker={"size": _px(pd.Series([share])), "color": FAINT[theme]},
        )  # fmt: skip
    heads_px = _add_heads(figure, columns, theme)
    figure.update_layout(
        coloraxis={
            "colorscale": SEQUENTIAL, "cmin": 0, "cmax": 1,
            "colorbar": {"title": {"text": "mean, of<br>the highest", "font": {"size": 12}}, "len": 0.72, "y": 0,
                         "yanchor": "bottom"},
        },
        legend={"itemsizing": "trace", "title": {"text": "share of cells"}, "y": 1.02, "yanchor": "bottom"},
        xaxis={
            "tickvals": list(range(len(columns))), "ticktext": [label(gene) for gene in columns["gene"]],
            "tickangle": -90, "tickfont": {"size": 10 if len(columns) > 30 else 12},
            "range": [-0.7, len(columns) - 0.3], "showgrid": False,
        },
        yaxis={
            "tickvals": list(range(len(rows))), "ticktext": [shorten(name, 28) for name in rows],
            "range": [len(rows) - 0.4, -0.6],
        },
        margin={"t": 60 + heads_px, "b": 84},
    )  # fmt: skip
    make_room(figure, [shorten(name, 28) for name in rows])
    alt = (
        f"{title}. Dot plot of {len(columns)} genes of {len(types)} types in {len(rows)} groups of cells: share of "
        "cells and mean expression."
    )
    return dress(figure, title, theme, alt=alt, height=60 + heads_px + 84 + _ROW_PX * max(len(rows), 3))


def _px(share: pd.Series) -> NDArray[np.float32]:
    """Diameters: the area grows with the share."""
    return np.asarray(2 + (_LARGEST_PX - 2) * np.sqrt(share.clip(0, 1)), dtype=np.float32)


def _add_heads(figure: go.Figure, columns: pd.DataFrame, theme: Theme) -> int:
    """The types over their genes, with a bracket each; returns how high they stand, in pixels."""
    longest = 0
    for name, members in columns.groupby("type", sort=False).groups.items():
        first, last = int(min(members)), int(max(members))
        where = {"xref": "x", "yref": "y domain"}
        figure.add_shape(
            type="line", **where, x0=first - 0.35, x1=last + 0.35, y0=1.01, y1=1.01, name="bracket",
            line={"color": FAINT[theme], "width": 2},
        )  # fmt: skip
        text = shorten(name, _HEAD_LETTERS)
        longest = max(longest, min(len(str(name)), _HEAD_LETTERS))
        figure.add_annotation(
            text=text, **where, x=(first + last) / 2, y=1.02, showarrow=False, textangle=-45, xanchor="left",
            yanchor="bottom", xshift=-8, font_size=12,
        )  # fmt: skip
    return int(24 + 5.2 * longest)
