"""Training curves: each loss on its own scale, one below the other, over the same steps."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from backend.figures.palette import TYPE_COLOURS, Theme
from backend.figures.style import dress, label

_MOST = 6
_NOT_DRAWN = {"step", "steps", "time", "attempt", "seed", "epoch", "epochs"}


def loss_curves(metrics: pd.DataFrame, title: str, theme: Theme = "light", *, fits: str = "fit") -> go.Figure:
    """`metrics`: a row per report with `step` and a column per loss; the column `fits`, if there, names the fit that it
    belongs to, and each fit has its own line."""
    numeric = metrics.select_dtypes("number")
    names = [name for name in numeric.columns if name not in _NOT_DRAWN and numeric[name].notna().any()][:_MOST]
    figure = make_subplots(max(len(names), 1), 1, shared_xaxes=True, vertical_spacing=0.05)
    groups = list(metrics.groupby(fits, sort=False)) if fits in metrics else [("", metrics)]
    for row, name in enumerate(names, start=1):
        for place, (fit, part) in enumerate(groups):
            kept = part.dropna(subset=[name])
            figure.add_scatter(
                x=kept["step"].to_numpy(), y=kept[name].to_numpy(dtype="float32"), mode="lines", row=row, col=1,
                name=label(fit or name), legendgroup=str(place), showlegend=row == 1 and len(groups) > 1,
                line={"width": 1.8, "color": TYPE_COLOURS[place % len(TYPE_COLOURS)]},
            )  # fmt: skip
        figure.update_yaxes(title_text=label(name.replace("_", " ")), row=row, col=1)
    figure.update_xaxes(title_text="step", row=max(len(names), 1), col=1)
    figure.update_layout(uirevision="training", hovermode="x unified")
    said = ", ".join(f"{name} last at {numeric[name].dropna().iloc[-1]:.3g}" for name in names)
    alt = f"{title}. Training curves over {len(metrics):,} reports" + (f": {said}." if said else ".")
    return dress(figure, title, theme, alt=alt, height=140 + 130 * max(len(names), 1))
