"""Which type is taken for which."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from backend.figures.palette import NO_TYPE, SEQUENTIAL, Theme
from backend.figures.style import dress, make_room, shorten

_WRITTEN = 14  # up to so many types the shares are written into the squares
_ROW_PX = 26


def confusion(table: pd.DataFrame, title: str, theme: Theme = "light") -> go.Figure:
    """table: truth, predicted, n (cells). A row per true type: the share of its cells that were called each name."""
    counts = table.pivot_table(index="truth", columns="predicted", values="n", aggfunc="sum", fill_value=0)
    counts.index, counts.columns = counts.index.astype(str), counts.columns.astype(str)
    rows = sorted(counts.index, key=_last)
    columns = sorted({*counts.columns, *rows}, key=_last)
    counts = counts.reindex(index=rows, columns=columns, fill_value=0)
    totals = counts.sum(axis=1)
    shares = counts.div(totals.where(totals > 0, 1), axis=0).to_numpy(np.float32)
    right = [shares[rows.index(name), columns.index(name)] for name in rows]
    heads = [f"{shorten(name, 26)} ({totals[name]:,.0f})" for name in rows]
    written = len(columns) <= _WRITTEN
    told = [[f"{share:.0%}" if share >= 0.01 else "" for share in row] for row in shares]
    figure = go.Figure()
    figure.add_heatmap(
        z=shares, x=list(range(len(columns))), y=list(range(len(rows))), coloraxis="coloraxis", xgap=1, ygap=1,
        customdata=counts.to_numpy(np.int32), text=told, texttemplate="%{text}" if written else None,
        textfont={"size": 10},
        hovertemplate="%{customdata:,} cells, %{z:.1%}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(
        coloraxis={"colorscale": SEQUENTIAL, "cmin": 0, "cmax": 1,
                   "colorbar": {"title": "share", "tickformat": ".0%"}},
        xaxis={"tickvals": list(range(len(columns))), "ticktext": [shorten(name, 22) for name in columns],
               "tickangle": -90, "showgrid": False, "title": "called"},
        yaxis={"tickvals": list(range(len(rows))), "ticktext": heads, "range": [len(rows) - 0.5, -0.5],
               "showgrid": False},
        margin={"b": 56 + int(6.5 * min(22, max(map(len, columns))))},
    )  # fmt: skip
    make_room(figure, heads)
    alt = (
        f"{title}. For {len(rows)} types, which names their cells were given; the right name for "
        f"{min(right):.0%} to {max(right):.0%} of a type's cells."
    )
    height = 68 + figure.layout.margin.b + _ROW_PX * max(len(rows), 3)
    return dress(figure, title, theme, alt=alt, height=height)


def _last(name: str) -> tuple[bool, str]:
    """In alphabetical order, with what means "no type" at the end."""
    return name.casefold() in NO_TYPE, name.casefold()
