"""Attention, tested: what chance would give each gene, deletion curves, layers and heads."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from backend.figures.palette import GREY, SEQUENTIAL, TYPE_COLOURS, Theme
from backend.figures.style import FAINT, INK, dress, label, make_room

SURE = 0.05
WAYS = {
    "attended": ("the most attended", TYPE_COLOURS[4], "solid", "circle"),
    "first": ("the first by rank", TYPE_COLOURS[0], "dash", "diamond"),
    "random": ("random, detected alike", GREY, "dot", "square"),
}
MEAN = -1


def bars_against_chance(table: pd.DataFrame, title: str, theme: Theme = "light", most: int = 20) -> go.Figure:
    """`table`: gene, weight, expected, p. The genes of largest weight, the largest on top; coloured where it is more
    than chance gives (p below 0.05), and a tick at what is expected of the gene's places."""
    top = table.nlargest(most, "weight")[::-1]
    names = [label(gene) for gene in top["gene"]]
    sure = top["p"].to_numpy() < SURE
    figure = go.Figure()
    for chosen, name, colour in ((sure, "more than its places give", TYPE_COLOURS[4]), (~sure, "no more", GREY)):
        figure.add_bar(
            x=top["weight"].to_numpy(dtype=np.float32)[chosen], orientation="h", name=name, marker_color=colour,
            y=[gene for gene, one in zip(names, chosen, strict=True) if one],
            customdata=top[["expected", "p"]].to_numpy(dtype=np.float32)[chosen],
            hovertemplate="%{y}: %{x:.4f}, expected %{customdata[0]:.4f}, p %{customdata[1]:.3f}<extra></extra>",
        )  # fmt: skip
    figure.add_scatter(
        x=top["expected"].to_numpy(dtype=np.float32), y=names, mode="markers", name="expected of its places",
        marker={"symbol": "line-ns", "size": 12, "line": {"width": 2, "color": INK[theme]}},
        hovertemplate="%{y}: %{x:.4f} expected<extra></extra>",
    )  # fmt: skip
    figure.update_layout(xaxis_title="attention (share)", yaxis_showgrid=False, bargap=0.25, barmode="overlay")
    figure.update_yaxes(categoryorder="array", categoryarray=names)
    make_room(figure, top["gene"])
    first = ", ".join(top.loc[sure, "gene"].astype(str)[::-1][:5]) or "none"
    alt = f"{title}. Bar chart of the {len(top)} genes with most attention; more than their places give: {first}."
    return dress(figure, title, theme, alt=alt, height=170 + 20 * max(len(top), 5))


def deletion_curve(table: pd.DataFrame, title: str, theme: Theme = "light") -> go.Figure:
    """`table`: k, and attended, first, random: how far predictions move without so many genes. Columns `*_se`, where
    there are some, are standard errors over cells."""
    rows = table.sort_values("k")
    figure = go.Figure()
    for way, (name, colour, dash, symbol) in WAYS.items():
        bars = None
        if f"{way}_se" in rows:
            bars = {"type": "data", "array": rows[f"{way}_se"].to_numpy(dtype=np.float32), "width": 3, "thickness": 1}
        figure.add_scatter(
            x=[f"{k}" for k in rows["k"]], y=rows[way].to_numpy(dtype=np.float32), name=name, error_y=bars,
            mode="lines+markers", line={"color": colour, "width": 2.5, "dash": dash},
            marker={"symbol": symbol, "size": 8},
            hovertemplate=f"without {name} %{{x}}: %{{y:.3f}}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(xaxis_title="genes deleted", yaxis_title="change of the prediction (s.d.)")
    figure.update_xaxes(type="category")
    figure.update_yaxes(rangemode="tozero")
    last = rows.iloc[-1] if len(rows) else None
    told = "" if last is None else "; ".join(f"{WAYS[way][0]} {last[way]:.2f}" for way in WAYS)
    many = "" if last is None else f" Without {int(last['k'])} genes: {told}."
    alt = f"{title}. Change of the prediction by the number of genes deleted.{many}"
    return dress(figure, title, theme, alt=alt, height=400)


def ratio_dots(table: pd.DataFrame, title: str, theme: Theme = "light") -> go.Figure:
    """`table`: one row per group with n, ratio and q: how much further a prediction moves without the attended genes
    than without random ones. Coloured where q is below 0.05; at 1, as far."""
    rows = table.sort_values("ratio")
    names = [label(name) for name in rows["group"]]
    sure = rows["q"].to_numpy() < SURE
    figure = go.Figure()
    figure.add_scatter(
        x=rows["ratio"].to_numpy(dtype=np.float32), y=names, mode="markers",
        marker={"size": 12, "color": np.where(sure, TYPE_COLOURS[4], GREY).tolist()},
        customdata=rows[["n", "q"]].to_numpy(dtype=np.float32),
        hovertemplate="%{y}: %{x:.2f} ×, %{customdata[0]:,} cells, q %{customdata[1]:.3f}<extra></extra>",
    )  # fmt: skip
    figure.add_vline(x=1, line_color=FAINT[theme], line_width=1.5, line_dash="dash")
    ends = [*rows["ratio"], 1.0]
    room = 0.08 * max(max(ends) - min(ends), 0.1)
    figure.update_layout(xaxis_title="attended / random", showlegend=False)
    figure.update_xaxes(range=[min(ends) - room, max(ends) + room])
    make_room(figure, rows["group"])
    alt = f"{title}. In {int(sure.sum())} of {len(rows)} groups the attended genes move predictions further."
    return dress(figure, title, theme, alt=alt, height=140 + 26 * max(len(rows), 4))


PARTS = {
    "moved": ("change without its top genes", "change"),
    "spread": ("genes that share its weight", "genes"),
    "by_rank": ("how it follows rank", "Spearman’s r"),
}


def parts_heat(table: pd.DataFrame, measure: str, title: str, theme: Theme = "light") -> go.Figure:
    """`table`: layer, head (-1: mean), and the measure: "moved", "spread" or "by_rank". Layers by heads."""
    wide = table.pivot(index="layer", columns="head", values=measure).sort_index()
    columns = _heads(wide.columns)
    figure = go.Figure()
    figure.add_heatmap(
        z=wide.to_numpy(dtype=np.float32), x=columns, y=[f"layer {layer + 1}" for layer in wide.index],
        colorscale=SEQUENTIAL, xgap=2, ygap=2, texttemplate="%{z:.2f}" if len(columns) <= 6 else None,
        colorbar={"title": PARTS[measure][1], "thickness": 12, "outlinewidth": 0},
        hovertemplate="%{y}, %{x}: %{z:.3f}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(xaxis={"showgrid": False, "type": "category"}, yaxis_showgrid=False)
    make_room(figure, ["layer 10"])
    alt = f"{title}. Heat map of {len(wide)} layers by {len(columns)} columns: {PARTS[measure][0]}."
    return dress(figure, title, theme, alt=alt, height=170 + 34 * max(len(wide), 2))


def heads_heat(table: pd.DataFrame, title: str, theme: Theme = "light", most: int = 24) -> go.Figure:
    """`table`: head (-1: mean), gene, weight of one layer. Heads by genes, those of largest weight in any head."""
    wide = table.pivot_table(index="head", columns="gene", values="weight", fill_value=0.0).sort_index()
    kept = wide[wide.max().nlargest(most).index]
    order = kept.idxmax().map({head: row for row, head in enumerate(kept.index)}).sort_values(kind="stable").index
    kept = kept[order]
    names = _heads(kept.index)
    figure = go.Figure()
    figure.add_heatmap(
        z=kept.to_numpy(dtype=np.float32), x=[label(gene) for gene in kept.columns], y=names, colorscale=SEQUENTIAL,
        xgap=1, ygap=1, colorbar={"title": "attention<br>(share)", "thickness": 12, "outlinewidth": 0},
        hovertemplate="%{y}, %{x}: %{z:.4f}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(xaxis={"tickangle": -60, "dtick": 1, "showgrid": False}, yaxis_showgrid=False)
    make_room(figure, names)
    figure.update_layout(margin_b=34 + 8 * max((len(str(gene)) for gene in kept.columns), default=0))
    alt = f"{title}. Heat map of attention, {len(names)} heads by {len(kept.columns)} genes."
    return dress(figure, title, theme, alt=alt, height=200 + 24 * max(len(names), 4))


def _heads(numbers: pd.Index) -> list[str]:
    return ["mean" if int(head) == MEAN else f"head {int(head) + 1}" for head in numbers]
