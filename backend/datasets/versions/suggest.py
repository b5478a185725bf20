"""Cut-offs that the data themselves suggest.

A cell is an outlier where it lies more than 3 MADs from the median: McCarthy et al. 2017 (scater, `isOutlier`), with
the MAD scaled by 1.4826 so that it estimates a standard deviation. Counts, genes and sizes are judged on a log scale
at both ends, shares of controls and mitochondria above only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.datasets.versions.measures import Measure, amount, measure_table, measures_of
from backend.records import Cut, DatasetRecord

MADS = 3.0
_SCALE = 1.4826
_MANY = 0.3  # of the cells: a suggestion that drops more is no matter of outliers


@dataclass(frozen=True)
class SuggestedCut:
    """least, most: the cells that lie between them are kept; None: no end is suggested, since no cell lies beyond it.
    reason: where the numbers come from, in a sentence. drops: how many cells this cut alone would drop."""

    measure: str
    title: str
    unit: str
    least: float | None
    most: float | None
    reason: str
    drops: int

    @property
    def cut(self) -> Cut | None:
        """As it stands in a recipe; None where nothing is suggested."""
        return None if self.least is self.most is None else Cut(measure=self.measure, least=self.least, most=self.most)


def suggest(record: DatasetRecord) -> list[SuggestedCut]:
    """One entry per measure of the data set, also where there is nothing to cut."""
    table = measure_table(record.id)
    return [
        _of_no_use(measure)
        if measure.name == "counts" and record.scale != "counts"
        else suggest_cut(measure, table[measure.name].to_numpy())
        for measure in measures_of(record)
    ]


def _of_no_use(total: Measure) -> SuggestedCut:
    why = "The values are normalised: a cell's total says nothing about its quality."
    return SuggestedCut(total.name, total.title, total.unit, None, None, why, 0)


def suggest_cut(measure: Measure, values: NDArray[np.float32]) -> SuggestedCut:
    """The cut for n values; those that are unknown do not count."""
    known = np.asarray(values[np.isfinite(values)], dtype=np.float64)
    least, most, reason = _both_ends(measure, known) if measure.skewed else _upper_end(measure, known)
    low = known < (-math.inf if least is None else least)
    high = known > (math.inf if most is None else most)
    drops = int((low | high).sum())
    if drops > _MANY * max(len(known), 1):
        reason += f" It would drop {drops / len(known):.0%} of the cells: look at the map before you take it."
    return SuggestedCut(
        measure.name, measure.title, measure.unit, least if low.any() else None, most if high.any() else None,
        reason, drops,
    )  # fmt: skip


def _both_ends(measure: Measure, known: NDArray[np.float64]) -> tuple[float | None, float | None, str]:
    positive = known[known > 0]
    middle, spread = _median_mad(np.log(positive))
    told = _told(measure, math.exp(middle))
    if spread == 0:
        return None, None, f"More than half of the cells have {told}: there is no spread to judge outliers by."
    least, most = math.exp(middle - MADS * spread), math.exp(middle + MADS * spread)
    if measure.name in ("counts", "genes"):
        least, most = max(1.0, math.floor(least)), math.ceil(most)
    else:
        least, most = _digits(least), _digits(most)
    below, above = int((known < least).sum()), int((known > most).sum())
    if not below and not above:
        return least, most, f"No cell lies further than 3 MADs from the median of {told} (on a log scale)."
    ends = "below and above" if below and above else "below" if below else "above"
    counts = " and ".join(part for part in (f"{below:,} below" * bool(below), f"{above:,} above" * bool(above)) if part)
    return least, most, f"3 MADs {ends} the median of {told} (on a log scale): {counts}."


def _upper_end(measure: Measure, known: NDArray[np.float64]) -> tuple[float | None, float | None, str]:
    middle, spread = _median_mad(known)
    of = "the median"
    if spread == 0:  # most cells have none, as it should be: those that have some are judged by themselves
        some = known[known > middle]
        if len(some) < 10:
            return None, None, f"More than half of the cells have {amount(measure.name, middle)}, and few have more."
        middle, spread = _median_mad(some)
        of = "the median of the cells that have any"
    most = math.ceil(1000 * (middle + MADS * spread)) / 1000
    told = amount(measure.name, middle)
    above = int((known > most).sum())
    if not above:
        return None, most, f"No cell lies more than 3 MADs above {of}, {told}."
    return None, most, f"3 MADs above {of}, {told}: {above:,} above."


def _told(measure: Measure, value: float) -> str:
    unit = f" {measure.unit}" if measure.unit and not measure.unit.startswith("µ") else ""
    return amount(measure.name, value if value < 10 else round(value)) + unit


def _median_mad(values: NDArray[np.float64]) -> tuple[float, float]:
    if not len(values):
        return 0.0, 0.0
    middle = float(np.median(values))
    return middle, _SCALE * float(np.median(np.abs(values - middle)))


def _digits(value: float) -> float:
    return float(f"{value:.3g}")
