"""90 % intervals for what a measurement would show, per cell and gene, calibrated on genes that were held out.

Label-conditional conformal sets (Vovk, Gammerman & Shafer 2005, ch. 4.5), with two labels: the gene is not detected in
the cell, or it is. Zero is in the set unless the cell looks more like detecting the gene than 90 % of the cells that
do not. Positive values are in it up to the 90 % quantile among detecting cells; where zero is out, between their 5 %
and 95 % quantiles. So undetected and detected cells are each covered nine times in ten, and so are all: a set that
ignored the label would cover the many zeros and few of the detections. The set is always an interval.

What is compared (the nonconformity) comes from two small regressions on what is known of every gene, measured or not:
the imputed value within its gene, the gene's level in the reference, the cell's depth. Quantiles are taken within
thirds of genes by predicted detection. Cross-conformal (Vovk 2015): a gene in a spatial block is calibrated by genes of
other folds in other blocks, each scored by regressions that saw neither fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ALPHA = 0.1
MOST_PAIRS = 1_000_000  # of a cell and a gene, that calibrate
MOST_FITTED = 200_000  # pairs that a regression is fitted on
GROUPS = 5  # of genes, by predicted detection
FEWEST_GENES = 20  # of a group; fewer: groups are merged
FEWEST_PAIRS = 30  # behind a quantile of its own
_STEPS = 8  # Newton steps of the logistic regression
_PRIOR = 0.1  # weight of the ridge, in genes

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Column:
    """One imputed gene. values: n; depth: n, counts of the input genes (NaN or 0: the cell was not read). detection and
    mean: of the gene in the reference (a share of cells; mean of its log scale)."""

    values: Floats
    depth: Floats
    detection: float
    mean: float


@dataclass(frozen=True)
class Model:
    """Two regressions on the same standardised features: log odds of detection, and the value where detected."""

    centre: list[float]
    scale: list[float]
    detected: list[float]
    level: list[float]

    def read(self, features: Floats) -> tuple[Floats, Floats]:
        """(probability of detection, expected value where detected) per row."""
        x = _with_one((features - self.centre) / self.scale)
        return _sigmoid(x @ np.asarray(self.detected)), np.maximum(x @ np.asarray(self.level), 1e-3)


@dataclass(frozen=True)
class Limits:
    """Quantiles of one group of genes. zero: zero is in the set up to this probability of detection. upper: times the
    expected value, the end where zero is in. low, high: the same, both ends, where zero is out."""

    zero: float
    upper: float
    low: float
    high: float


@dataclass(frozen=True)
class Calibration:
    """edges: of the groups, by a gene's mean predicted detection; one `Limits` more than edges."""

    model: Model
    edges: list[float]
    groups: list[Limits]

    def set_of(self, probability: Floats, level: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """One gene: (low, high, zero in) per cell."""
        group = self.groups[int(np.searchsorted(self.edges, probability.mean()))]
        zero_in = probability <= group.zero
        low = np.where(zero_in, 0.0, level * group.low)
        return low, level * np.where(zero_in, group.upper, group.high), zero_in


@dataclass(frozen=True)
class Intervals:
    """by_fold: the fold that hid a gene -> one calibration per spatial block; "final": genes that were never measured,
    calibrated by all genes and blocks."""

    by_fold: dict[str, list[Calibration]]

    def around(self, column: Column, fold: str, block: NDArray[np.integer]) -> tuple[Any, Any, NDArray[np.bool_]]:
        """(low, high, zero in) of every cell, float32; NaN where the cell was not read. block: n, spatial blocks."""
        low = np.full(len(column.values), np.nan, dtype=np.float32)
        high, zero_in = low.copy(), np.zeros(len(low), dtype=bool)
        known = np.flatnonzero(np.isfinite(column.values) & (np.nan_to_num(column.depth) > 0))
        features = features_of(column)[known]
        calibrations = self.by_fold[fold]
        for number, calibration in enumerate(calibrations):
            inside = np.ones(len(known), dtype=bool) if len(calibrations) == 1 else block[known] == number
            probability, level = calibration.model.read(features)
            ends = calibration.set_of(probability, level)
            rows = known[inside]
            low[rows], high[rows], zero_in[rows] = (end[inside] for end in ends)
        return low, high, zero_in

    def to_json(self) -> dict[str, Any]:
        return {fold: [asdict(part) for part in parts] for fold, parts in self.by_fold.items()}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Intervals:
        def calibration(part: dict[str, Any]) -> Calibration:
            groups = [Limits(**group) for group in part["groups"]]
            return Calibration(Model(**part["model"]), list(part["edges"]), groups)

        return cls({fold: [calibration(part) for part in parts] for fold, parts in found.items()})


def features_of(column: Column) -> Floats:
    """n x 8: what the regressions read of a cell and a gene; zeros where the cell was not read."""
    values = np.asarray(column.values, dtype=np.float64)
    known = np.isfinite(values) & (np.nan_to_num(column.depth) > 0)
    mean, spread = (float(values[known].mean()), float(values[known].std())) if known.any() else (0.0, 0.0)
    place = np.clip((values - mean) / spread, -10, 10) if spread > 1e-9 else np.zeros(len(values))
    depth = np.where(known, column.depth, 1.0)
    size = np.log(depth / np.median(depth[known])) if known.any() else np.zeros(len(values))
    share = np.clip(column.detection, 1e-3, 1 - 1e-3)
    odds = float(np.log(share / (1 - share)))
    flat = np.ones(len(values))
    stack = [place, size, odds * flat, column.mean * flat, mean * flat, spread * flat, place * odds, place * spread]
    return np.where(known[:, None], np.stack(stack, axis=1), 0.0)


@dataclass(frozen=True)
class Pairs:
    """The sample that calibrates: cells x genes, flattened gene by gene. fold, gene: of each; block: of its cell."""

    features: Floats
    truth: Floats
    fold: NDArray[np.intp]
    block: NDArray[np.integer]
    gene: NDArray[np.intp]

    def take(self, rows: NDArray[np.bool_]) -> Pairs:
        return Pairs(self.features[rows], self.truth[rows], self.fold[rows], self.block[rows], self.gene[rows])


def pair_up(
    columns: Sequence[Column], truth: Sequence[Floats], folds: Sequence[int], block: NDArray[np.integer], seed: int
) -> Pairs:
    """One entry per gene: `truth` (n), measured at the depth of its fold's inputs; the number of its fold."""
    n = len(block)
    most = max(1, MOST_PAIRS // max(1, len(columns)))
    rows = np.arange(n) if n <= most else np.sort(np.random.default_rng(seed).choice(n, most, replace=False))
    parts: list[tuple[Any, ...]] = []
    for gene, (column, true, fold) in enumerate(zip(columns, truth, folds, strict=True)):
        known = rows[np.isfinite(column.values[rows]) & np.isfinite(true[rows])]
        flat = np.ones(len(known), dtype=np.intp)
        features = features_of(column)[known].astype(np.float32)
        parts.append((features, true[known], fold * flat, block[known], gene * flat))
    joined = [np.concatenate(part) for part in zip(*parts, strict=True)]
    return Pairs(*joined)


def calibrate(pairs: Pairs, names: Sequence[str], seed: int) -> Intervals:
    """names: of the folds, by number. Needs two folds at least."""
    blocks = int(pairs.block.max()) + 1
    models: dict[frozenset[int], Model] = {}

    def model_without(*hidden: int) -> Model:
        key = frozenset(hidden)
        if key not in models:
            models[key] = fit_model(pairs.take(~np.isin(pairs.fold, hidden)), seed)
        return models[key]

    def calibrations(fold: int | None, left_out: Sequence[int | None]) -> list[Calibration]:
        """One per spatial block to leave out (None: none), for genes of a fold (None: of no fold)."""
        hidden = () if fold is None else (fold,)
        read = [other for other in range(len(names)) if other != fold]
        # Only two folds: the one that calibrates cannot be hidden too.
        scored = [
            _scored(pairs, other, model_without(*({*hidden, other} if len(read) > 1 else hidden))) for other in read
        ]
        probability, level, rows = (np.concatenate(part) for part in zip(*scored, strict=True))
        edges, group = _grouped(probability, pairs.gene[rows])
        truth, own, genes = pairs.truth[rows], pairs.block[rows], len(np.unique(pairs.gene[rows]))

        def limits(block: int | None, number: int) -> Limits:
            inside = (group == number) if block is None else (group == number) & (own != block)
            return _limits(probability[inside], level[inside], truth[inside], genes)

        model = model_without(*hidden)
        return [
            Calibration(model, edges, [limits(block, number) for number in range(len(edges) + 1)]) for block in left_out
        ]

    each: list[int | None] = list(range(blocks)) if blocks > 1 else [None]
    by_fold = {name: calibrations(fold, each) for fold, name in enumerate(names)}
    return Intervals({**by_fold, "final": calibrations(None, [None])})


def fit_model(pairs: Pairs, seed: int) -> Model:
    """Ridge logistic regression (Newton) of detection, and ridge of the value where detected. The ridge weighs as if
    each gene were one observation, since the cells of a gene share its features."""
    if len(pairs.truth) > MOST_FITTED:
        chosen = np.zeros(len(pairs.truth), dtype=bool)
        chosen[np.random.default_rng(seed).choice(len(chosen), MOST_FITTED, replace=False)] = True
        genes = len(np.unique(pairs.gene))
        pairs = pairs.take(chosen)
    else:
        genes = len(np.unique(pairs.gene))
    features = pairs.features.astype(np.float64)
    centre, scale = features.mean(axis=0), features.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    x = _with_one((features - centre) / scale)
    ridge = np.diag([0.0, *[_PRIOR / max(1, genes)] * (x.shape[1] - 1)]) + 1e-9 * np.eye(x.shape[1])
    seen = (pairs.truth > 0).astype(np.float64)
    weights: Floats = np.zeros(x.shape[1])
    weights[0] = np.log((seen.mean() + 1e-4) / (1 - seen.mean() + 1e-4))
    for _ in range(_STEPS):
        p = _sigmoid(x @ weights)
        slope = x.T @ (seen - p) / len(x) - ridge @ weights
        bend = (x * (p * (1 - p))[:, None]).T @ x / len(x) + ridge
        weights = weights + np.linalg.solve(bend, slope)
    found = seen > 0
    level = np.zeros_like(weights)
    if found.any():
        inner = x[found]
        level = np.linalg.solve(inner.T @ inner / len(inner) + ridge, inner.T @ pairs.truth[found] / len(inner))
    return Model(centre.tolist(), scale.tolist(), weights.tolist(), level.tolist())


def _scored(pairs: Pairs, fold: int, model: Model) -> tuple[Floats, Floats, NDArray[np.intp]]:
    rows = np.flatnonzero(pairs.fold == fold)
    probability, level = model.read(pairs.features[rows])
    return probability, level, rows


def _grouped(probability: Floats, gene: NDArray[np.intp]) -> tuple[list[float], NDArray[np.intp]]:
    """Edges between groups of genes by mean predicted detection, and the group of each pair."""
    names, place = np.unique(gene, return_inverse=True)
    mean = np.bincount(place, weights=probability) / np.bincount(place)
    count = int(np.clip(len(names) // FEWEST_GENES, 1, GROUPS))
    edges = np.quantile(mean, np.arange(1, count) / count)
    return edges.tolist(), np.searchsorted(edges, mean)[place]


def _limits(probability: Floats, level: Floats, truth: Floats, genes: int) -> Limits:
    """genes: that calibrate, in all groups. Another gene is exchangeable with these, not another cell with these cells:
    the share that a quantile must hold is raised as for a sample of so many, (1 - alpha) (1 + 1/n)."""
    seen, more = truth > 0, 1 + 1 / max(1, genes)
    inner, outer = min(1.0, (1 - ALPHA) * more), min(1.0, (1 - ALPHA / 2) * more)
    zero = _quantile(probability[~seen], inner, 1.0)
    ratio, out = truth[seen] / level[seen], probability[seen] > zero
    upper = _quantile(ratio[~out] if (~out).sum() >= FEWEST_PAIRS else ratio, inner, 10.0)
    sure = ratio[out] if out.sum() >= FEWEST_PAIRS else ratio
    return Limits(zero, upper, _quantile(sure, 1 - outer, 0.0), _quantile(sure, outer, 10.0))


def _quantile(values: Floats, share: float, otherwise: float) -> float:
    return float(np.quantile(values, share)) if len(values) else otherwise


def _with_one(x: Floats) -> Floats:
    return np.concatenate([np.ones((len(x), 1)), x], axis=1)


def _sigmoid(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(x, -30, 30)))
