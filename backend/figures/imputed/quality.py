"""How good imputed genes are where they were hidden: pictures of some, scores of all, and whether the doubts hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from plotly.subplots import make_subplots

from backend.figures.imputed.raster import paint
from backend.figures.maps import frame_predicted, lay_map
from backend.figures.palette import GREY, SEQUENTIAL, TYPE_COLOURS, Theme
from backend.figures.points import Places
from backend.figures.style import FAINT, INK, dress, label, make_room

VERDICT_COLOURS = {"figure": "#009E73", "supplement": "#E69F00", "no": "#D55E00"}
VERDICT_WORDS = {"figure": "Figure", "supplement": "Supplement, labelled", "no": "Do not show"}
_PAIRS_ACROSS = 3
SQUARE_UM = 25.0  # of the small pictures: a few cells, so that a gene that few of them show has a pattern at all
_MOST_SQUARES = 140


@dataclass(frozen=True)
class Pair:
    """One gene of the gallery. measured, imputed: one value per cell each, in their own units."""

    gene: str
    group: str  # "Best", "Typical", "Worst"
    score: float
    measured: ArrayLike
    imputed: ArrayLike


def gallery(places: Places, pairs: Sequence[Pair], title: str, theme: Theme = "light") -> go.Figure:
    """Small maps, measured beside imputed, a row per group of at most three genes; the imputed in dashed frames. Drawn
    are means over squares of 25 µm (larger ones in a large tissue). Each picture goes from its own 1 % to its own 99 %,
    since imputed values shrink: compare where, not how much."""
    rows = list(dict.fromkeys(pair.group for pair in pairs))
    heads = [""] * (len(rows) * 2 * _PAIRS_ACROSS)
    figure = make_subplots(
        len(rows), 2 * _PAIRS_ACROSS, horizontal_spacing=0.008, vertical_spacing=0.16 / len(rows), subplot_titles=heads
    )
    low, extents = places.box
    squares = int(np.clip(extents.max() / SQUARE_UM, 20, _MOST_SQUARES))
    for row, group in enumerate(rows):
        members = [pair for pair in pairs if pair.group == group][:_PAIRS_ACROSS]
        for place, pair in enumerate(members):
            columns = [np.asarray(values, dtype=np.float32) for values in (pair.measured, pair.imputed)]
            for side, picture in enumerate(map(_own_range, paint(places, columns, squares))):
                axis = str(row * 2 * _PAIRS_ACROSS + 2 * place + side + 1)
                axis = "" if axis == "1" else axis
                dx, dy = (float(step) for step in extents / picture.shape[::-1])
                figure.add_heatmap(
                    z=picture, x0=float(low[0]) + dx / 2, dx=dx, y0=float(low[1]) + dy / 2, dy=dy, zsmooth=False,
                    xaxis=f"x{axis}", yaxis=f"y{axis}", coloraxis="coloraxis", hoverinfo="skip",
                )  # fmt: skip
                lay_map(figure, places, theme, axis)
                if side:
                    frame_predicted(figure, theme, axis=axis, tag=False)
                said = f"<b>{label(pair.gene)}</b>  r {pair.score:.2f}" if not side else f"<i>imputed</i> · {group}"
                figure.add_annotation(
                    text=said, xref=f"x{axis} domain", yref=f"y{axis} domain", x=0, y=1, xanchor="left",
                    yanchor="bottom", showarrow=False, font={"size": 11, "color": INK[theme]},
                )  # fmt: skip
    # One scale bar is enough for pictures of one camera.
    _keep_first_bar(figure)
    figure.update_layout(
        coloraxis={"colorscale": SEQUENTIAL, "cmin": 0, "cmax": 1, "showscale": False}, margin={"t": 84, "b": 30}
    )
    said = "; ".join(f"{pair.gene} {pair.score:.2f}" for pair in pairs)
    alt = f"{title}. Pairs of small maps, measured and imputed, of {len(pairs)} genes with their held-out r: {said}."
    each = float(np.clip(1020 / (2 * _PAIRS_ACROSS) * (extents[1] / extents[0] + 0.15), 80, 320)) + 26
    return dress(figure, title, theme, alt=alt, height=int(each * len(rows)) + 120)


def _own_range(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    known = picture[np.isfinite(picture)]
    low, high = (float(end) for end in np.quantile(known, [0.01, 0.99])) if len(known) else (0.0, 1.0)
    return np.asarray(np.clip((picture - low) / max(high - low, 1e-9), 0, 1), dtype=np.float32)


def _keep_first_bar(figure: go.Figure) -> None:
    bars = [shape for shape in figure.layout.shapes if shape.name == "scale bar"]
    words = [note for note in figure.layout.annotations if note.name == "scale bar"]
    figure.layout.shapes = [shape for shape in figure.layout.shapes if shape not in bars[1:]]
    figure.layout.annotations = [note for note in figure.layout.annotations if note not in words[1:]]


def score_against_detection(genes: pd.DataFrame, title: str, theme: Theme = "light") -> go.Figure:
    """`genes`: one row per gene that was hidden: gene, detection_tissue (0 to 1), score, verdict. How often a gene is
    seen, to the right (logarithmic), explains much of its score: a gene seen in few cells is mostly noise."""
    known = genes.dropna(subset=["score", "detection_tissue"])
    known = known[known["detection_tissue"] > 0]
    figure = go.Figure()
    for verdict, words in VERDICT_WORDS.items():
        part = known[known["verdict"] == verdict]
        if part.empty:
            continue
        figure.add_scattergl(
            x=(100 * part["detection_tissue"]).to_numpy(dtype=np.float32), y=part["score"].to_numpy(dtype=np.float32),
            mode="markers", name=f"{words} ({len(part):,})", text=[label(gene) for gene in part["gene"]],
            marker={"size": 6, "opacity": 0.7, "color": VERDICT_COLOURS[verdict]},
            hovertemplate="%{text}<br>r %{y:.2f}<br>seen in %{x:.1f} % of cells<extra></extra>",
        )  # fmt: skip
    figure.add_hline(y=0, line_color=FAINT[theme], line_width=1, line_dash="dot")
    figure.update_xaxes(title="% of tissue cells in which the gene was measured", type="log", dtick="D2")
    figure.update_layout(yaxis_title="held-out r, per gene")
    rank = _spearman(known["detection_tissue"], known["score"])
    alt = f"{title}. Scatter plot of {len(known):,} genes; Spearman's r of detection and score {rank:.2f}."
    return dress(figure, title, theme, alt=alt, height=430)


def coverage(table: pd.DataFrame, title: str, nominal: float = 0.9, theme: Theme = "light") -> go.Figure:
    """`table`: name, coverage, low, high (its own interval), top to bottom. Each dot should lie on the dashed line."""
    rows = table[::-1]
    figure = go.Figure()
    figure.add_scatter(
        x=100 * rows["coverage"], y=[label(name) for name in rows["name"]], mode="markers",
        marker={"size": 9, "color": TYPE_COLOURS[4]},
        error_x={"type": "data", "symmetric": False, "array": 100 * (rows["high"] - rows["coverage"]),
                 "arrayminus": 100 * (rows["coverage"] - rows["low"]), "thickness": 1.5, "width": 4},
        hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
    )  # fmt: skip
    figure.add_vline(x=100 * nominal, line_color=INK[theme], line_width=1.5, line_dash="dash")
    figure.update_layout(xaxis_title="% of cells whose measured value lies in its interval", yaxis_showgrid=False)
    make_room(figure, rows["name"])
    said = "; ".join(f"{name} {value:.0%}" for name, value in zip(table["name"], table["coverage"]))
    alt = f"{title}. How often {nominal:.0%} intervals hold the measured value: {said}."
    return dress(figure, title, theme, alt=alt, height=150 + 30 * max(len(rows), 3))


def predicted_against_held_out(table: pd.DataFrame, title: str, theme: Theme = "light") -> go.Figure:
    """`table`: gene, predicted, low, high, score. Whether the score that is foretold for a gene is the one it has."""
    known = table.dropna(subset=["predicted", "score"])
    inside = (known["score"] >= known["low"]) & (known["score"] <= known["high"])
    figure = go.Figure()
    for chosen, words, colour in ((inside, "within its interval", TYPE_COLOURS[0]), (~inside, "outside", GREY)):
        part = known[chosen]
        figure.add_scattergl(
            x=part["predicted"].to_numpy(dtype=np.float32), y=part["score"].to_numpy(dtype=np.float32), mode="markers",
            name=f"{words} ({len(part):,})", text=[label(gene) for gene in part["gene"]],
            marker={"size": 6, "opacity": 0.65, "color": colour},
            hovertemplate="%{text}<br>predicted %{x:.2f}, held-out %{y:.2f}<extra></extra>",
        )  # fmt: skip
    ends = [float(np.nanmin(known[["predicted", "score"]])), float(np.nanmax(known[["predicted", "score"]]))]
    figure.add_scatter(
        x=ends, y=ends, mode="lines", line={"color": FAINT[theme], "width": 1, "dash": "dash"}, hoverinfo="skip",
        showlegend=False,
    )  # fmt: skip
    figure.update_layout(xaxis_title="predicted r", yaxis_title="held-out r, per gene")
    rank = _spearman(known["predicted"], known["score"])
    alt = f"{title}. Scatter plot of {len(known):,} genes; Spearman's r {rank:.2f}; {inside.mean():.0%} lie within."
    return dress(figure, title, theme, alt=alt, height=430)


def scores_by_level(table: pd.DataFrame, levels: Mapping[str, str], title: str, theme: Theme = "light") -> go.Figure:
    """`table`: level, pcc, one row per gene and level. `levels`: level -> its word, in order. A box per level."""
    figure = go.Figure()
    medians = {}
    for level, words in list(levels.items())[::-1]:
        part = table.loc[table["level"] == level, "pcc"].dropna().to_numpy(dtype=np.float64)
        if not len(part):
            continue
        low, q1, middle, q3, high = np.quantile(part, [0.05, 0.25, 0.5, 0.75, 0.95])
        medians[words] = float(middle)
        figure.add_box(
            y=[f"{label(words)}  {middle:.2f}"], lowerfence=[low], q1=[q1], median=[middle], q3=[q3], upperfence=[high],
            orientation="h", name=label(words), marker_color=TYPE_COLOURS[4], line_width=1.5,
        )  # fmt: skip
    figure.add_vline(x=0, line_color=FAINT[theme], line_width=1, line_dash="dot")
    figure.update_layout(showlegend=False, xaxis_title="held-out r, per gene", yaxis_showgrid=False)
    make_room(figure, (box.y[0] for box in figure.data))
    said = "; ".join(f"{words} {value:.2f}" for words, value in list(medians.items())[::-1])
    alt = f"{title}. Box plots of the score per gene; medians: {said}."
    return dress(figure, title, theme, alt=alt, height=150 + 40 * max(len(medians), 2))


def _spearman(left: pd.Series, right: pd.Series) -> float:
    return float(left.rank().corr(right.rank())) if len(left) > 2 else 0.0
