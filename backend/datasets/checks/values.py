"""Which matrix holds the expression, in which scale, and whether its numbers can be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.datasets.checks.case import Case, count

Kind = Literal["counts", "log", "normalised", "scaled", "negative", "broken", "not numbers"]

# Integer matrices that are only a part of a cell's counts: never guessed, only taken when named.
_PARTS = ("spliced", "unspliced", "ambiguous", "antisense", "intron", "exon", "nuclear", "cytoplasm")
_LARGEST_LOG = 25.0  # log1p of 7 * 10^10
_EQUAL = 0.05  # a relative spread of totals below this means: normalised to one total
_PREFERENCE: tuple[Kind, ...] = ("counts", "log", "normalised", "scaled", "negative", "broken", "not numbers")


@dataclass(frozen=True)
class Judgement:
    kind: Kind
    why: str


def judge(values: csr_matrix) -> Judgement:
    """What scale a matrix is in, and the evidence in words."""
    data = values.data
    if data.dtype.kind not in "biuf":
        return Judgement("not numbers", f"its entries are of type {data.dtype}")
    if data.size == 0:
        return Judgement("counts", "every entry is zero")
    bad = int(np.count_nonzero(~np.isfinite(data)))
    if bad:
        return Judgement("broken", f"{count(bad, 'entry is', 'entries are')} missing or infinite (NaN, inf)")
    low, high = float(data.min()), float(data.max())
    if low < 0:
        if _centred(values):
            return Judgement("scaled", f"values run from {low:.3g} to {high:.3g} and genes average zero")
        return Judgement("negative", f"values run from {low:.3g} to {high:.3g}")
    if np.array_equal(data, np.rint(data)):
        return Judgement("counts", f"whole numbers, the largest {high:,.0f}")
    if _unit_spread(values):
        return Judgement("scaled", "every gene has the same spread, 1")
    return _judge_fractions(values, high)


def _judge_fractions(values: csr_matrix, high: float) -> Judgement:
    plain, undone = _row_sums(values), _row_sums(values.expm1()) if high <= _LARGEST_LOG else None
    if undone is not None and _spread(undone) < min(_EQUAL, _spread(plain)):
        return Judgement("log", f"undoing log1p gives every cell about the same total, {np.median(undone):,.0f}")
    if _spread(plain) < _EQUAL:
        return Judgement("normalised", f"not whole numbers, and every cell has the same total, {np.median(plain):,.0f}")
    if high <= _LARGEST_LOG:
        return Judgement("log", f"not whole numbers, and none above {high:.3g}, as logarithms look")
    return Judgement("normalised", f"not whole numbers, with values up to {high:,.0f}")


def choose_matrix(case: Case) -> None:
    """Decide on X, raw or a layer (counts first), refuse what cannot be used, and settle the scale."""
    matrices = case.raw.matrices
    judged = {name: judge(_rows_in(case, matrix.values)) for name, matrix in matrices.items()}
    case.judged = {name: (verdict.kind, verdict.why) for name, verdict in judged.items()}
    if not judged:
        case.refuse("no-matrix", "The file holds no expression matrix.", mend="Choose the file that holds the counts.")
        return
    best = min(judged, key=lambda name: _rank(name, judged[name], matrices[name].values.shape[1]))
    name, why = case.settle("counts_from", best, f"It holds {judged[best].kind}: {judged[best].why}.")
    if name not in judged:
        mend = f"--counts-from {'|'.join(judged)}"
        case.refuse("counts-from", f"The file has no matrix {name!r}.", f"It has {', '.join(judged)}.", mend)
        name = best
    if len(judged) > 1:
        why += " " + "; ".join(f"{key}: {value.kind} ({value.why})" for key, value in judged.items()) + "."
        case.ask("counts_from", name, f"Expression is taken from {name}.", why, tuple(judged))
    case.counts_from, verdict = name, judged[name]
    _say_scale(case, name, verdict, [other for other in judged if judged[other].kind == "counts" and other != name])
    chosen = matrices[name]
    values = _rows_in(case, chosen.values)
    if verdict.kind == "not numbers":
        values = csr_matrix(values.shape, dtype=np.float32)
    values = csr_matrix(values, dtype=np.float32, copy=True)
    values.data[~np.isfinite(values.data) | (values.data < 0)] = 0.0  # refused already; the other checks go on
    values.eliminate_zeros()
    case.values, case.features = values, chosen.features


def _say_scale(case: Case, name: str, verdict: Judgement, others: list[str]) -> None:
    kind, why = verdict.kind, verdict.why
    instead = f"Use --counts-from {others[0]}." if others else "Export the raw counts and add those."
    if kind in ("counts", "log", "normalised"):
        case.scale = kind
    if kind == "not numbers":
        case.refuse("not-numeric", f"{name} does not hold plain numbers: {why}.", mend=instead)
    elif kind == "broken":
        case.refuse("nan", f"In {name}, {why}.", "Sums and averages over them mean nothing.", instead)
    elif kind == "negative":
        case.refuse("negative", f"{name} holds negative values: {why}.", "Expression cannot be below zero.", instead)
    elif kind == "scaled":
        why = f"{why[0].upper()}{why[1:]}, so zeros and levels can no longer be told."
        case.refuse("scaled", f"{name} was scaled (z-scores).", why, instead)
    elif kind == "log":
        lost = "Depth per cell is lost: models that count molecules treat it more carefully."
        what = f"{name} holds log1p values and is kept as log."
        case.say("mended", "log", what, f"Seen because {why}. {lost}", instead)
    elif kind == "normalised":
        what = f"{name} holds normalised values, not counts, and is kept so."
        case.say("mended", "normalised", what, f"Seen because: {why}.", instead)


def _rows_in(case: Case, values: csr_matrix) -> csr_matrix:
    return values if len(case.rows) == values.shape[0] else csr_matrix(values[case.rows])


def _rank(name: str, verdict: Judgement, n_genes: int) -> tuple[bool, int, int, int]:
    part = any(word in name.lower() for word in _PARTS)
    place = 0 if name == "X" else 1 if name == "raw" else 2 if "count" in name.lower() else 3
    return part, _PREFERENCE.index(verdict.kind), -n_genes, place


def _row_sums(values: csr_matrix) -> NDArray[np.float64]:
    sums = np.asarray(values.sum(axis=1, dtype=np.float64)).ravel()
    return sums[sums > 0]


def _spread(sums: NDArray[np.float64]) -> float:
    """The middle nine tenths, relative to the median: rounding, and genes left out later, move a total a little."""
    if len(sums) < 3:
        return float("inf")
    low, middle, high = np.quantile(sums, [0.05, 0.5, 0.95])
    return float((high - low) / middle)


def _moments(values: csr_matrix) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    mean = np.asarray(values.mean(axis=0), dtype=np.float64).ravel()
    square = np.asarray(values.multiply(values).mean(axis=0), dtype=np.float64).ravel()
    return mean, np.sqrt(np.maximum(square - mean**2, 0.0))


def _centred(values: csr_matrix) -> bool:
    """Clipping at 10, as is usual, moves the mean a little."""
    mean, spread = _moments(values)
    used = spread > 0
    return bool(used.any() and np.median(np.abs(mean[used]) / spread[used]) < 0.1)


def _unit_spread(values: csr_matrix) -> bool:
    _, spread = _moments(values)
    used = spread[spread > 0]
    return len(used) > 4 and values.shape[0] > 20 and bool(np.mean(np.abs(used - 1.0) < 0.02) > 0.8)
