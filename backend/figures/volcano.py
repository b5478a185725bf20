"""Volcano: how much each gene differs between two groups, against how surely."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from backend.figures.palette import GREY, NICHE_COLOURS, Theme
from backend.figures.style import FAINT, dress, label

_FLOOR = 1e-300  # below it a float has no logarithm worth drawing


def volcano(
    table: pd.DataFrame, title: str, theme: Theme = "light", *, fdr: float = 0.05, log2_fc: float = 0.0, named: int = 14
) -> go.Figure:
    """`table`: one row per gene with `gene`, `log2_fc` (clustered over isolated) and `fdr` (Benjamini–Hochberg).

    Coloured: below the `fdr` and beyond the fold change. The `named` surest carry their names where there is room.
    """
    drawn = table.dropna(subset=["log2_fc", "fdr"]).reset_index(drop=True)
    height = -np.log10(np.maximum(drawn["fdr"].to_numpy(dtype=float), _FLOOR))
    change = drawn["log2_fc"].to_numpy(dtype=float)
    sure = (drawn["fdr"].to_numpy() < fdr) & (np.abs(change) >= log2_fc)
    groups = {
        "no clear difference": (~sure, GREY),
        "higher in isolated": (sure & (change < 0), NICHE_COLOURS["isolated"]),
        "higher in clustered": (sure & (change >= 0), NICHE_COLOURS["clustered"]),
    }
    names = drawn["gene"].astype(str)
    figure = go.Figure()
    for name, (rows, colour) in groups.items():
        figure.add_scatter(
            x=change[rows].astype(np.float32), y=height[rows].astype(np.float32), mode="markers",
            name=f"{name} ({int(rows.sum()):,})", text=[label(gene) for gene in names[rows]],
            marker={"color": colour, "size": 6, "opacity": 0.8}, hovertemplate=_HOVER,
        )  # fmt: skip
    rule = {"line_color": FAINT[theme], "line_width": 1, "line_dash": "dot"}
    figure.add_hline(y=-np.log10(fdr), annotation_text=f"FDR {fdr:g}", annotation_position="bottom right", **rule)
    for edge in (-log2_fc, log2_fc) if log2_fc else ():
        figure.add_vline(x=edge, **rule)
    _name_genes(figure, change, height, names, np.flatnonzero(sure), named)
    up, down = int(groups["higher in clustered"][0].sum()), int(groups["higher in isolated"][0].sum())
    figure.update_layout(
        xaxis_title="log<sub>2</sub> fold change, clustered / isolated",
        yaxis_title="−log<sub>10</sub> FDR (Benjamini–Hochberg)",
        uirevision="volcano",
    )
    alt = (
        f"{title}. Volcano plot of {len(drawn):,} genes: {up:,} higher in clustered and {down:,} higher in isolated "
        f"cells at an FDR below {fdr:g}."
    )
    return dress(figure, title, theme, alt=alt, height=560)


_HOVER = "<b>%{text}</b><br>log2 fold change %{x:.2f}<br>−log10 FDR %{y:.1f}<extra></extra>"


def _name_genes(figure: go.Figure, x: np.ndarray, y: np.ndarray, names: pd.Series, rows: np.ndarray, most: int) -> None:
    """Names beside the surest genes, each only where it covers no other: boxes of .027 of the width per letter."""
    wide, tall = max(float(np.ptp(x)), 1e-9) if len(x) else 1.0, max(float(y.max()), 1e-9) if len(y) else 1.0
    taken: list[tuple[float, float, float]] = []
    for row in rows[np.lexsort((-np.abs(x[rows]), -y[rows]))]:
        if len(taken) >= most:
            return
        # Outwards, so that names do not lie over the crowd in the middle.
        length = 0.027 * len(names[row]) * (1 if x[row] >= 0 else -1)
        left, right = sorted((x[row] / wide, x[row] / wide + length))
        level = y[row] / tall
        if any(left < r and right > l and abs(level - v) < 0.04 for l, r, v in taken):  # noqa: E741
            continue
        taken.append((left, right, level))
        figure.add_annotation(
            x=float(x[row]), y=float(y[row]), text=f"<i>{label(names[row])}</i>", showarrow=False, font_size=11,
            xanchor="left" if x[row] >= 0 else "right", xshift=5 if x[row] >= 0 else -5,
        )  # fmt: skip
