"""Methods against each other, gene by gene, on the same folds (SpaGene, Figure 3b-d)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from backend.figures.palette import GREY, TYPE_COLOURS, Theme
from backend.figures.style import FAINT, dress, label, make_room

ACROSS = 3
_MINE, _THEIRS = TYPE_COLOURS[4], TYPE_COLOURS[0]


def method_against(
    wide: pd.DataFrame, mine: str, others: Sequence[str], title: str, theme: Theme = "light"
) -> go.Figure:
    """`wide`: genes x methods, held-out r. A panel for each of `others`: its score to the right, that of `mine`
    upwards, so that a gene above the line is one that `mine` imputes better. All panels have the same axes."""
    across = min(ACROSS, len(others))
    down = math.ceil(len(others) / across)
    shared = {name: wide[[mine, name]].dropna() for name in others}
    known = np.concatenate([part.to_numpy(dtype=np.float64).ravel() for part in shared.values()])
    low, high = (float(end) for end in (known.min(), known.max())) if len(known) else (0.0, 1.0)
    edge = 0.04 * max(high - low, 1e-3)
    ends = [low - edge, high + edge]
    better = {name: int((part[mine] > part[name]).sum()) for name, part in shared.items()}
    heads = [f"{label(name)}: {better[name]:,} of {len(part):,} above" for name, part in shared.items()]
    figure = make_subplots(
        down, across, subplot_titles=heads, horizontal_spacing=0.06, vertical_spacing=0.3 / max(down, 1.4)
    )
    for place, (name, part) in enumerate(shared.items()):
        where = {"row": place // across + 1, "col": place % across + 1}
        _add_genes(figure, part, mine, name, where)
        figure.add_scatter(
            x=ends, y=ends, mode="lines", hoverinfo="skip",
            line={"color": FAINT[theme], "width": 1, "dash": "dash"}, **where,
        )  # fmt: skip
        figure.update_xaxes(title_text=f"r, {label(name)}", range=ends, constrain="domain", **where)
        axis = str(place + 1) if place else ""
        figure.update_yaxes(range=ends, scaleanchor=f"x{axis}", constrain="domain", **where)
    figure.update_yaxes(title_text=f"r, {label(mine)}", col=1)
    figure.update_annotations(font_size=13)
    figure.update_layout(showlegend=False, margin_t=92)
    said = "; ".join(f"{better[name]:,} of {len(part):,} against {name}" for name, part in shared.items())
    alt = f"{title}. Scatter plots of the score per gene; genes that {mine} imputes better: {said}."
    return dress(figure, title, theme, alt=alt, height=120 + 350 * down)


def _add_genes(figure: go.Figure, part: pd.DataFrame, mine: str, name: str, where: dict[str, int]) -> None:
    wins = (part[mine] > part[name]).to_numpy()
    for chosen, colour in ((~wins, _THEIRS), (wins, _MINE)):
        figure.add_scattergl(
            x=part[name].to_numpy(dtype=np.float32)[chosen], y=part[mine].to_numpy(dtype=np.float32)[chosen],
            mode="markers", text=[label(gene) for gene in part.index[chosen]],
            marker={"size": 5, "opacity": 0.6, "color": colour},
            hovertemplate=f"%{{text}}<br>{label(mine)} %{{y:.3f}}<br>{label(name)} %{{x:.3f}}<extra></extra>", **where,
        )  # fmt: skip


def winners(wide: pd.DataFrame, title: str, theme: Theme = "light") -> go.Figure:
    """`wide`: genes x methods. For how many genes each method scores best; the method with most genes on top."""
    known = wide.dropna()
    best = known.idxmax(axis=1).value_counts().reindex(wide.columns, fill_value=0).sort_values()
    colours = [_MINE if name == best.index[-1] else GREY for name in best.index]
    figure = go.Figure()
    figure.add_bar(
        x=best.to_numpy(), y=[label(name) for name in best.index], orientation="h", marker_color=colours,
        text=[f"{count:,}" for count in best], textposition="outside", cliponaxis=False,
        hovertemplate="%{y}: best for %{x:,} genes<extra></extra>",
    )  # fmt: skip
    figure.update_layout(xaxis_title="genes that it imputes best", yaxis_showgrid=False, bargap=0.3)
    make_room(figure, best.index)
    said = "; ".join(f"{name} {count:,}" for name, count in best[::-1].items())
    alt = f"{title}. Of {len(known):,} genes, imputed best by: {said}."
    return dress(figure, title, theme, alt=alt, height=150 + 34 * max(len(best), 2))
