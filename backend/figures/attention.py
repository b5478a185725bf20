"""Attention: which genes the model's `<cls>` token looked at. It says where the model looked, not what causes what."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from backend.figures.palette import SEQUENTIAL, TYPE_COLOURS, Theme
from backend.figures.style import dress, label, make_room


def attention_bars(table: pd.DataFrame, title: str, theme: Theme = "light", most: int = 20) -> go.Figure:
    """`table`: `gene` and `weight` of one cell or type. The genes of largest weight, the largest on top."""
    top = table.nlargest(most, "weight")[::-1]
    figure = go.Figure()
    figure.add_bar(
        x=top["weight"].to_numpy(dtype=np.float32), y=[label(gene) for gene in top["gene"]], orientation="h",
        marker_color=TYPE_COLOURS[0], hovertemplate="%{y}: %{x:.4f}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(xaxis_title="attention (share)", yaxis_showgrid=False, bargap=0.25)
    make_room(figure, top["gene"])
    first = ", ".join(top["gene"].astype(str)[::-1][:5])
    alt = f"{title}. Bar chart of the {len(top)} genes with most attention; first {first}."
    return dress(figure, title, theme, alt=alt, height=140 + 20 * max(len(top), 5))


def attention_heat(table: pd.DataFrame, title: str, theme: Theme = "light", most: int = 30) -> go.Figure:
    """`table`: `type`, `gene`, `weight`. Types by genes; the genes are those of largest weight in any type, in the
    order of the type that looks at them most."""
    wide = table.pivot_table(index="type", columns="gene", values="weight", aggfunc="mean", fill_value=0.0)
    kept = wide[wide.max().nlargest(most).index] if wide.size else wide
    kept = kept[kept.idxmax().map({name: row for row, name in enumerate(kept.index)}).sort_values(kind="stable").index]
    figure = go.Figure()
    figure.add_heatmap(
        z=kept.to_numpy(dtype=np.float32), x=[label(gene) for gene in kept.columns],
        y=[label(name) for name in kept.index], colorscale=SEQUENTIAL, xgap=1, ygap=1,
        colorbar={"title": "attention<br>(share)", "thickness": 12, "outlinewidth": 0},
        hovertemplate="%{y}, %{x}: %{z:.4f}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(xaxis={"tickangle": -60, "dtick": 1, "showgrid": False}, yaxis_showgrid=False)
    make_room(figure, kept.index)
    figure.update_layout(margin_b=34 + 8 * max((len(str(gene)) for gene in kept.columns), default=0))
    alt = f"{title}. Heat map of attention, {len(kept.index)} cell types by {len(kept.columns)} genes."
    return dress(figure, title, theme, alt=alt, height=200 + 24 * max(len(kept.index), 4))
