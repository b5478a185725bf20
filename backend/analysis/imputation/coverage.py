"""How often 90 % intervals hold what was measured: over all cells, over cells that show a gene and cells that do not,
and over genes of low, middle and high detection. Whole genes are drawn for the interval around a coverage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.analysis.imputation.intervals import ALPHA, Column, Intervals

DRAWS = 1000
TERCILES = ("low", "middle", "high")
Floats = NDArray[np.floating]


def cover(
    columns: Sequence[Column],
    truth: Sequence[Floats],
    folds: Sequence[str],
    block: NDArray[np.integer],
    intervals: Intervals,
) -> pd.DataFrame:
    """One row per gene, in order: n, detected (cells), inside, inside_detected, and the mean interval score (width, and
    2/alpha times the distance of what lies outside; smaller is better) of all, detected and undetected cells."""
    rows = []
    for column, true, fold in zip(columns, truth, folds, strict=True):
        low, high, zero_in = intervals.around(column, fold, block)
        known = np.isfinite(true) & np.isfinite(low)
        low, high, zero_in, true = low[known], high[known], zero_in[known], true[known]
        seen = true > 0
        inside = np.where(seen, (true >= low) & (true <= high), zero_in)
        missed = np.maximum(low - true, 0) + np.maximum(true - high, 0)
        width = high - low
        score = width + 2 / ALPHA * missed
        rows.append(
            {
                "n": len(true),
                "detected": int(seen.sum()),
                "inside": int(inside.sum()),
                "inside_detected": int(inside[seen].sum()),
                "score": float(score.mean()) if len(true) else np.nan,
                "score_detected": float(score[seen].mean()) if seen.any() else np.nan,
                "score_undetected": float(score[~seen].mean()) if (~seen).any() else np.nan,
            }
        )
    return pd.DataFrame(rows)


def summarise(genes: pd.DataFrame, seed: int) -> list[dict[str, Any]]:
    """Rows: cells ("all", "detected", "undetected"), tercile ("all", "low", "middle", "high", by detection), coverage,
    low, high (95 %, bootstrap over genes), score (mean over genes), genes, n. None where there is no such cell."""
    used = genes[genes["n"] > 0].reset_index(drop=True)
    detection = (used["detected"] / used["n"]).to_numpy()
    third = np.searchsorted(np.quantile(detection, [1 / 3, 2 / 3]), detection) if len(used) else np.zeros(0)
    rows = []
    for number, tercile in enumerate(("all", *TERCILES)):
        part = used if tercile == "all" else used[third == number - 1]
        out = part["n"] - part["detected"]
        outside = part["inside"] - part["inside_detected"]
        for cells, held, total, score in (
            ("all", part["inside"], part["n"], "score"),
            ("detected", part["inside_detected"], part["detected"], "score_detected"),
            ("undetected", outside, out, "score_undetected"),
        ):
            row = {"cells": cells, "tercile": tercile, "genes": len(part), "n": int(total.sum())}
            rows.append(row | _share(held.to_numpy(), total.to_numpy(), seed) | {"score": _mean(part[score])})
    return rows


def _share(held: NDArray[np.integer], total: NDArray[np.integer], seed: int) -> dict[str, float | None]:
    if not total.sum():
        return {"coverage": None, "low": None, "high": None}
    drawn = np.random.default_rng(seed).integers(len(held), size=(DRAWS, len(held)))
    below = total[drawn].sum(axis=1)
    shares = held[drawn].sum(axis=1)[below > 0] / below[below > 0]
    low, high = np.quantile(shares, [0.025, 0.975])
    return {"coverage": float(held.sum() / total.sum()), "low": float(low), "high": float(high)}


def _mean(values: pd.Series) -> float | None:
    return float(values.mean()) if values.notna().any() else None
