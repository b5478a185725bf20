"""How well an imputed gene agrees with what was measured, gene by gene (methods.md §6).

All functions take n x genes arrays and work on every gene at once. A gene whose truth is constant, or not finite, has
no score (NaN) and is counted as excluded; a constant prediction correlates with nothing, scores 0 and is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.analysis.agreement import is_flat, pearson, spearman, ssim_li, structural_similarity
from backend.methods.contract import Floats
from backend.methods.imputation import FoldView, Imputed, log_reference, log_tissue

SCORES = ("pcc", "pcc_depth_partial", "srcc", "ssim_li", "ssim_spagene", "rmse", "mape", "js")
Units = Literal["tissue", "reference", "arbitrary"]
_PORTION = 2**24  # numbers of a portion of genes: bounds the memory of a score
_SPAGENE = (0.01, 0.03)  # C1 and C2 of its SSIM, other than Li's (methods.md, trap 9)


@dataclass(frozen=True)
class Scale:
    """What a prediction's numbers mean. factor: brings them to log1p of counts at the tissue's median depth; None: only
    their order means anything, and scores that compare levels do not exist."""

    factor: float | None = 1.0


def scale_of(imputed: Imputed, view: FoldView) -> Scale:
    """Units "reference": one non-negative factor for all genes, by least squares between the INPUT genes' mean in the
    reference (log1p at 10,000 a cell) and in the tissue. Hidden genes have no part in it."""
    if imputed.units == "tissue":
        return Scale()
    if imputed.units == "arbitrary":
        return Scale(None)
    tissue = log_tissue(view.tissue).mean(axis=0, dtype=np.float64)
    reference = log_reference(view.reference, view.input_genes).mean(axis=0, dtype=np.float64)
    power = float(reference @ reference)
    return Scale(max(0.0, float(tissue @ reference) / power) if power > 0 else 1.0)


def score_genes(
    truth: Floats,
    predicted: Floats,
    log_depth: NDArray[np.floating],
    genes: Sequence[str],
    scale: Scale = Scale(),
) -> pd.DataFrame:
    """One row per gene: gene, the `SCORES`, n (cells, bins, types or niches scored) and constant (the prediction).

    truth, predicted: n x genes; log_depth: n, log1p of the input genes' total. Raises `ValueError` where shapes differ
    or a prediction is not finite: a method must not be scored on part of its answer."""
    if truth.shape != predicted.shape or truth.shape != (len(log_depth), len(genes)):
        raise ValueError(f"truth {truth.shape}, prediction {predicted.shape}, {len(log_depth)} x {len(genes)} expected")
    if not np.isfinite(predicted).all():
        raise ValueError("a prediction is not finite")
    width = max(1, _PORTION // max(1, len(truth)))
    portions = [
        _score(truth[:, at : at + width], predicted[:, at : at + width], log_depth, scale)
        for at in range(0, len(genes), width)
    ]
    columns = {name: np.concatenate([portion[name] for portion in portions] or [[]]) for name in (*SCORES, "constant")}
    table = pd.DataFrame({"gene": list(genes), **columns, "n": len(truth)})
    return table.astype({"constant": bool})


def _score(truth: Floats, predicted: Floats, log_depth: NDArray[np.floating], scale: Scale) -> dict[str, Any]:
    x, y = truth.astype(np.float64), predicted.astype(np.float64)
    broken = ~np.isfinite(x).all(axis=0)
    x[:, broken] = 0.0
    unit = _by_size(y)  # whether a prediction is constant must not hang on its scale
    found: dict[str, Any] = {
        "pcc": pearson(x, unit),
        "pcc_depth_partial": pearson_without(x, unit, log_depth),
        "srcc": spearman(x, unit),
        "ssim_li": ssim_li(x, y),
        "ssim_spagene": ssim_spagene(x, y),
    }
    found |= _levels(x, y, scale)
    excluded = is_flat(x)
    for values in found.values():
        values[excluded] = np.nan
    return found | {"constant": is_flat(unit)}


def _levels(x: NDArray[np.float64], y: NDArray[np.float64], scale: Scale) -> dict[str, NDArray[np.float64]]:
    """The scores that compare levels: NaN where the prediction has none."""
    if scale.factor is None:
        return {name: np.full(x.shape[1], np.nan) for name in ("rmse", "mape", "js")}
    scaled = y * scale.factor
    return {"rmse": rmse(x, scaled), "mape": mape(x, scaled), "js": jensen_shannon(x, y)}


def pearson_without(
    truth: NDArray[np.floating], predicted: NDArray[np.floating], given: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Partial correlation: what a line in `given` (with intercept) explains is taken out of both. A prediction that is
    nothing but such a line scores 0."""
    x, y = (_residual(values, given) for values in (truth, predicted))
    result = pearson(x, y)
    result[is_flat(truth)] = np.nan
    rest = y.std(axis=0) <= 1e-6 * np.asarray(predicted).std(axis=0, dtype=np.float64)
    result[(rest | is_flat(predicted)) & np.isfinite(result)] = 0.0
    return result


def _residual(values: NDArray[np.floating], given: NDArray[np.floating]) -> NDArray[np.float64]:
    centred = values - values.mean(axis=0, dtype=np.float64)
    line = np.asarray(given, dtype=np.float64) - float(np.mean(given))
    power = float(line @ line)
    return np.asarray(centred - np.outer(line, line @ centred) / power if power > 0 else centred)


def ssim_spagene(truth: NDArray[np.floating], predicted: NDArray[np.floating]) -> NDArray[np.float64]:
    """SSIM as SpaGene takes it: min-max scaling, C1 = .01, C2 = .03, sample covariance over population variances."""
    return structural_similarity(_by_range(truth), _by_range(predicted), _SPAGENE, ddof=1)


def _by_range(values: NDArray[np.floating]) -> NDArray[np.float64]:
    low, span = values.min(axis=0).astype(np.float64), np.ptp(values, axis=0).astype(np.float64)
    return np.asarray((values - low) / np.where(span > 0, span, 1.0))


def _by_size(values: NDArray[np.floating]) -> NDArray[np.float64]:
    size = np.abs(values).max(axis=0).astype(np.float64)
    return np.asarray(values / np.where(size > 0, size, 1.0))


def rmse(truth: NDArray[np.floating], predicted: NDArray[np.floating]) -> NDArray[np.float64]:
    """In log1p units, not z-scored: on z-scores it would say no more than PCC (methods.md, trap 8)."""
    return np.asarray(np.sqrt(np.square(np.asarray(truth, dtype=np.float64) - predicted).mean(axis=0)))


def mape(truth: NDArray[np.floating], predicted: NDArray[np.floating]) -> NDArray[np.float64]:
    """MAPE+: per cent, over the cells where the gene was seen; predicting zero everywhere scores 100."""
    seen = truth > 0
    share = np.divide(np.abs(truth - predicted), truth, out=np.zeros(truth.shape), where=seen)
    count = seen.sum(axis=0)
    found = np.divide(100.0 * share.sum(axis=0), count, out=np.full(truth.shape[1], np.nan), where=count > 0)
    return np.asarray(found)


def jensen_shannon(truth: NDArray[np.floating], predicted: NDArray[np.floating]) -> NDArray[np.float64]:
    """Each gene as a distribution over cells; natural logarithm: 0 for equal, log 2 for disjoint. What is below zero
    counts as zero; a gene that is predicted nowhere is taken as predicted everywhere alike."""
    p, q = _distribution(truth), _distribution(predicted)
    middle = (p + q) / 2
    return 0.5 * (_divergence(p, middle) + _divergence(q, middle))


def _distribution(values: NDArray[np.floating]) -> NDArray[np.float64]:
    positive = np.maximum(values, 0.0).astype(np.float64)
    total = positive.sum(axis=0)
    return np.where(total > 0, positive / np.where(total > 0, total, 1.0), 1.0 / max(1, len(positive)))


def _divergence(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    ratio = np.divide(p, q, out=np.ones_like(p), where=p > 0)
    return np.asarray((p * np.log(ratio)).sum(axis=0))
