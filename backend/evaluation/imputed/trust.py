"""From folds to verdicts: intervals and their coverage, predicted scores, and a verdict on every gene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.analysis.imputation.coverage import cover, summarise
from backend.analysis.imputation.intervals import Intervals, calibrate, pair_up
from backend.analysis.imputation.predicted_score import Predicted, predict_scores
from backend.analysis.imputation.verdict import Judged, alike, judge_measured, judge_predicted
from backend.evaluation.imputed.beyond_panel import BeyondPanel
from backend.evaluation.imputed.held_out import HeldOut

COLUMNS = (
    "gene", "measured", "fold", "cells", "detection_tissue", "detection_reference", "mean_reference", "specificity",
    "score", "score_partial", "score_bin", "predicted_score", "predicted_low", "predicted_high", "beyond_type",
    "beyond_type_p", "moran_measured", "moran_imputed", "moran_noised", "coverage", "coverage_detected",
    "interval_score", "group_share", "predictability", "relatives_r", "expected_detection", "imputed_spread",
    "attention_entropy", "own_doubt", "verdict", "reasons",
)  # fmt: skip


@dataclass(frozen=True)
class Trust:
    """genes: `COLUMNS`, panel genes first, by name. coverage: rows of `summarise`."""

    genes: pd.DataFrame
    intervals: Intervals
    coverage: list[dict[str, Any]]
    predicted: Predicted


def weigh(held: HeldOut, beyond: BeyondPanel | None, block: NDArray[np.integer], seed: int) -> Trust:
    """block: n, spatial blocks that intervals are calibrated by."""
    columns, truth = held.columns(), list(held.truth.T)
    number = {fold: at for at, fold in enumerate(held.folds)}
    folds = [str(fold) for fold in held.table["fold"]]
    pairs = pair_up(columns, truth, [number[fold] for fold in folds], block, seed)
    intervals = calibrate(pairs, held.folds, seed)
    covered = cover(columns, truth, folds, block, intervals)
    off = beyond.table if beyond is not None else held.table.iloc[:0]
    predicted = predict_scores(held.table, off, seed)
    measured = held.table.assign(
        measured=True,
        coverage=covered["inside"] / covered["n"],
        coverage_detected=covered["inside_detected"] / covered["detected"].where(covered["detected"] > 0),
        interval_score=covered["score"],
    ).merge(_as_columns(predicted.known), on="gene", how="left")
    unmeasured = off.assign(measured=False).merge(_as_columns(predicted.unknown), on="gene", how="left")
    tables = [part.sort_values("gene") for part in (measured, unmeasured) if len(part)]
    table = pd.concat([part.dropna(axis=1, how="all") for part in tables], ignore_index=True)
    judged = _judge(table, predicted.spearman_low)
    table["verdict"] = [found.verdict for found in judged]
    table["reasons"] = ["\n".join(found.reasons) for found in judged]
    return Trust(table.reindex(columns=list(COLUMNS)), intervals, summarise(covered, seed), predicted)


def _as_columns(predicted: pd.DataFrame) -> pd.DataFrame:
    named = predicted.rename(columns={"predicted": "predicted_score", "low": "predicted_low", "high": "predicted_high"})
    return named[["gene", "predicted_score", "predicted_low", "predicted_high"]]


def _judge(table: pd.DataFrame, spearman_low: float | None) -> list[Judged]:
    """Measured genes first: what they earn decides on the others."""
    rows = [
        _Numbers({str(name): float(value) for name, value in row.items() if _known(value)})
        for _, row in table.iterrows()
    ]
    measured = table["measured"].to_numpy(dtype=bool)
    judged = [judge_measured(row) for row, known in zip(rows, measured, strict=True) if known]
    scores = table.loc[measured, "predicted_score"]
    usable = np.flatnonzero(scores.notna())
    known_scores, earned = scores.iloc[usable].tolist(), [judged[at].verdict for at in usable]
    for row in rows[len(judged) :]:
        asked = row["predicted_score"]
        like = None if asked is None else alike(known_scores, earned, asked)
        judged.append(judge_predicted(row, like, spearman_low))
    return judged


class _Numbers(dict[str, float | None]):
    """What is not known is None."""

    def __missing__(self, name: str) -> None:
        return None


def _known(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and bool(np.isfinite(value))
