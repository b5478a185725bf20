"""What goes with a gene's score around the cell: how often it is seen, how much its surroundings differ, how smoothly
they change."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from backend.figures.palette import TYPE_COLOURS, Theme
from backend.figures.style import FAINT, dress, label

AXES = {
    "detection": "% of the scored cells in which the gene was seen",
    "context_sd": "standard deviation of the measured surroundings",
    "moran": "Moran’s I of the measured surroundings",
}


def score_against(genes: pd.DataFrame, by: str, title: str, theme: Theme = "light") -> go.Figure:
    """`genes`: one row per gene: gene, pcc and `by`, one of `AXES` (detection from 0 to 1, drawn in per cent on a
    logarithmic axis). The rank correlation of both stands in the title of the axis."""
    known = genes.dropna(subset=["pcc", by])
    known = known[known[by] > 0] if by == "detection" else known
    x = known[by].to_numpy(dtype=np.float32) * (100 if by == "detection" else 1)
    figure = go.Figure()
    figure.add_scattergl(
        x=x, y=known["pcc"].to_numpy(dtype=np.float32), mode="markers", text=[label(gene) for gene in known["gene"]],
        marker={"size": 6, "opacity": 0.7, "color": TYPE_COLOURS[4]},
        hovertemplate="%{text}<br>r %{y:.2f}<br>%{x:.3g}<extra></extra>",
    )  # fmt: skip
    figure.add_hline(y=0, line_color=FAINT[theme], line_width=1, line_dash="dot")
    varies = min(known[by].nunique(), known["pcc"].nunique()) > 1
    told = f"rank correlation with the score {known[by].rank().corr(known['pcc'].rank()):.2f}" if varies else ""
    figure.update_xaxes(title=f"{AXES[by]}<br>{told}", type="log" if by == "detection" else "linear")
    figure.update_layout(yaxis_title="held-out r, per gene", showlegend=False)
    alt = f"{title}. Scatter plot of {len(known):,} genes: score against {AXES[by]}. {told}"
    return dress(figure, title, theme, alt=alt, height=430)
