"""How well each gene is predicted: by method, and against what could explain it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from backend.figures.palette import GREY, TYPE_COLOURS, Theme
from backend.figures.style import FAINT, dress, label, make_room


def scores_by_method(
    scores: pd.DataFrame, method: str, title: str, theme: Theme = "light", score: str = "pcc"
) -> go.Figure:
    """`scores`: one row per gene and method with `gene`, `method` and `score`. A box and all genes per method, best
    median on top; the trained `method` in colour, its comparators grey."""
    known = scores.dropna(subset=[score])
    medians = known.groupby("method")[score].median().sort_values()
    figure = go.Figure()
    for name in medians.index:
        part = known[known["method"] == name]
        figure.add_box(
            x=part[score].to_numpy(dtype=np.float32), name=f"{label(name)}  {medians[name]:.3f}", orientation="h",
            boxpoints="all", pointpos=0, jitter=0.5, text=[label(gene) for gene in part["gene"]], line_width=1.5,
            marker={"color": TYPE_COLOURS[4] if name == method else GREY, "size": 3, "opacity": 0.5},
            hovertemplate="%{text}: %{x:.3f}<extra></extra>",
        )  # fmt: skip
    figure.add_vline(x=0, line_color=FAINT[theme], line_width=1, line_dash="dot")
    heading = {"pcc": "Pearson’s r, per gene", "srcc": "Spearman’s r, per gene"}.get(score, score)
    figure.update_layout(showlegend=False, xaxis_title=heading, yaxis_showgrid=False, yaxis_title="method, median")
    make_room(figure, (f"{box.name}   " for box in figure.data))
    said = "; ".join(f"{name} {value:.2f}" for name, value in medians[::-1].items())
    alt = f"{title}. Scores of {known['gene'].nunique():,} genes by method, medians: {said}."
    return dress(figure, title, theme, alt=alt, height=150 + 62 * max(len(medians), 2))
