"""What the instrument says of each cell beside its genes: how large it is, and how much of it is background."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.datasets.checks.case import Case
from backend.datasets.expression import linear

# Column names in lower case, letters and digits only.
_AREA_UM2 = ("areaum2", "cellareaum2", "sizeum2", "areaum", "cellareaum")
_XENIUM_AREA, _XENIUM_NUCLEUS = "cellarea", "nucleusarea"  # the instrument writes um^2
_BARE_AREAS = ("area", "cellarea", "cellsize")  # in the unit of the image, if at all
_CONTROLS = (
    "controlprobecounts", "controlcodewordcounts", "unassignedcodewordcounts", "deprecatedcodewordcounts",
    "genomiccontrolcounts",  # Xenium
    "ncountnegprobes", "ncountfalsecode",  # CosMx
)  # fmt: skip
_TOTAL, _GENES_TOTAL = "totalcounts", "transcriptcounts"  # Xenium: with and without the controls
_LIKELY_UM2 = (3.0, 10_000.0)  # the median cell


def read_measures(case: Case) -> None:
    """Fill `case.measures`: area_um2 and control_share, each only where it is known."""
    if case.values.shape[0] != len(case.rows):  # no matrix could be used: that was refused
        return
    table = case.raw.obs.iloc[case.rows]
    columns = {re.sub(r"[^a-z0-9]", "", str(name).lower()): table[name] for name in reversed(list(table.columns))}
    numbers = {name: column for name, column in columns.items() if pd.api.types.is_numeric_dtype(column)}
    found = {"area_um2": _area(case, numbers), "control_share": _control_share(case, numbers)}
    case.measures = pd.DataFrame({name: values for name, values in found.items() if values is not None})


def _area(case: Case, numbers: dict[str, pd.Series]) -> NDArray[np.float64] | None:
    for name in _AREA_UM2:
        if name in numbers:
            return _likely(case, numbers[name], 1.0)
    in_um, in_px = case.um_per_unit == 1.0, case.um_per_unit not in (None, 1.0, 1000.0)
    if _XENIUM_AREA in numbers and (in_um or _XENIUM_NUCLEUS in numbers):
        return _likely(case, numbers[_XENIUM_AREA], 1.0)
    bare = next((numbers[name] for name in _BARE_AREAS if name in numbers), None)
    if bare is None or case.role == "reference":
        return None
    if in_px and case.um_per_unit is not None:
        return _likely(case, bare, case.um_per_unit**2)
    _say_unknown(case, bare, "Nothing says its unit.")
    return None


def _likely(case: Case, column: pd.Series, factor: float) -> NDArray[np.float64] | None:
    """In um^2; None where no cell is that small or large, so that the unit must be another."""
    values = _floats(column) * factor
    known = values[np.isfinite(values) & (values > 0)]
    if not len(known):
        return None
    if not _LIKELY_UM2[0] <= float(np.median(known)) <= _LIKELY_UM2[1]:
        _say_unknown(case, column, f"The median cell would have {np.median(known):,.3g} µm².")
        return None
    return np.where(values > 0, values, np.nan)


def _say_unknown(case: Case, column: pd.Series, why: str) -> None:
    what = f"The sizes of cells in {str(column.name)!r} are not used."
    case.say("noted", "area", what, why, "Name the column area_um2 if it holds µm².")


def _control_share(case: Case, numbers: dict[str, pd.Series]) -> NDArray[np.float64] | None:
    """Counts of control probes and empty codewords, divided by these and the genes' together; 0 where both are 0."""
    genes = np.asarray(linear(case.values, case.scale).sum(axis=1), dtype=np.float64).ravel()
    if case.controls is not None:
        controls, total = case.controls, genes + case.controls
    else:
        parts = [np.nan_to_num(_floats(numbers[name])) for name in _CONTROLS if name in numbers]
        if not parts:
            return None
        controls = np.sum(parts, axis=0)
        total = genes + controls
        if case.scale != "counts":  # the instrument's own total is the only one in counts
            if _TOTAL in numbers:
                total = np.maximum(_floats(numbers[_TOTAL]), controls)
            elif _GENES_TOTAL in numbers:
                total = _floats(numbers[_GENES_TOTAL]) + controls
            else:
                return None
    return np.divide(controls, total, out=np.zeros_like(controls), where=total > 0)


def _floats(column: pd.Series) -> NDArray[np.float64]:
    return column.to_numpy(dtype=np.float64, na_value=np.nan)
