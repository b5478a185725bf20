"""What genes to be measured next promise, and what such promises were worth where the answer is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from backend.figures.palette import GREY, TYPE_COLOURS, Theme
from backend.figures.style import FAINT, dress, label, make_room

WORDS = {"rule": "this rule", "most variable": "most variable genes", "random": "random genes"}
_COLOURS = {"rule": TYPE_COLOURS[4], "most variable": TYPE_COLOURS[0], "random": GREY}
_MOST_BARS = 40
_CLEAR = "rgba(0, 0, 0, 0)"  # of a box, only its points are drawn


def expected_gain(tests: pd.DataFrame, title: str, theme: Theme = "light") -> go.Figure:
    """`tests`: half, choice, draw, gene, gain. A dot for each half of the panel (of each draw, for random ones), a bar
    for their mean: how much the mean r of genes that stayed hidden rose when genes were added."""
    each = tests.groupby(["choice", "half", "draw"])["gain"].mean().reset_index()
    figure = go.Figure()
    order = [name for name in WORDS if (each["choice"] == name).any()][::-1]
    for name in order:
        gains = each.loc[each["choice"] == name, "gain"].to_numpy(dtype=np.float64)
        figure.add_bar(
            x=[gains.mean()], y=[WORDS[name]], orientation="h", marker_color=_COLOURS[name], opacity=0.55,
            hovertemplate="%{y}: %{x:+.4f} on average<extra></extra>",
        )  # fmt: skip
        figure.add_box(
            x=gains.astype(np.float32), y=[WORDS[name]] * len(gains), orientation="h", boxpoints="all", pointpos=0,
            jitter=0.6, line_color=_CLEAR, fillcolor=_CLEAR, marker={"color": _COLOURS[name], "size": 6},
            hovertemplate="%{x:+.4f}<extra></extra>",
        )  # fmt: skip
    figure.add_vline(x=0, line_color=FAINT[theme], line_width=1)
    figure.update_layout(
        showlegend=False, yaxis_showgrid=False, bargap=0.4, xaxis_title="rise of the mean r of genes that stay hidden"
    )
    figure.update_yaxes(categoryorder="array", categoryarray=[WORDS[name] for name in order])
    make_room(figure, WORDS.values())
    means = each.groupby("choice")["gain"].mean()
    said = "; ".join(f"{WORDS[name]} {means[name]:+.4f}" for name in order[::-1])
    alt = f"{title}. Mean rise over {each['half'].nunique()} halves of the panel: {said}."
    return dress(figure, title, theme, alt=alt, height=150 + 56 * max(len(order), 2))


def proposed(genes: pd.DataFrame, title: str, theme: Theme = "light") -> go.Figure:
    """`genes`: rank, gene, gain, cumulative. Bars: what each gene explains beyond those before it; first on top."""
    top = genes.head(_MOST_BARS)[::-1]
    figure = go.Figure()
    figure.add_bar(
        x=top["gain"].to_numpy(dtype=np.float32), y=[label(gene) for gene in top["gene"]], orientation="h",
        marker_color=TYPE_COLOURS[4], customdata=top["cumulative"].to_numpy(dtype=np.float32),
        hovertemplate="%{y}: %{x:.2f} genes; with those before it %{customdata:.1f}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(xaxis_title="explains of the others beyond those before it (genes)", yaxis_showgrid=False)
    figure.update_layout(bargap=0.25)
    figure.update_yaxes(dtick=1)
    make_room(figure, top["gene"])
    first = ", ".join(genes["gene"].astype(str).head(5))
    alt = f"{title}. Bar chart of {len(top)} genes; first {first}."
    return dress(figure, title, theme, alt=alt, height=140 + 19 * max(len(top), 5))
