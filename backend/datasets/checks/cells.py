"""Which cells are in: those to keep, with unique names, not empty."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.datasets.checks.case import Case, count
from backend.store.matrix import NOT_SEEN

_THIN_COUNTS = 20
_OTHER_FILE = "Choose the file that holds the counts."
_KEEP = "Choose --keep COLUMN=VALUE from these, or leave it out."


def keep_asked(case: Case) -> None:
    """Keep only cells with the asked values in the asked columns (`--keep COLUMN=VALUE`)."""
    for column, value in case.answers.keep.items():
        if column not in case.obs:
            listed = ", ".join(map(str, case.obs.columns[:20])) or "none"
            case.refuse("keep", f"{column!r} is no column of the cells.", f"There are: {listed}.", _KEEP)
            continue
        mask = _equals(case.obs[column], value)
        if not mask.any():
            values = case.obs[column].dropna().astype(str).unique()
            listed = ", ".join(values[:12]) + (", …" if len(values) > 12 else "")
            case.refuse("keep", f"No cell has {column} = {value!r}.", f"Its values: {listed}.", _KEEP)
            continue
        kept, left_out = int(mask.sum()), int((~mask).sum())
        case.keep(mask)
        case.say(
            "mended", "keep", f"{count(kept, 'cell')} with {column} = {value} kept, {left_out:,} left out.", "As asked."
        )


def name_cells(case: Case) -> None:
    """Cell ids become unique text."""
    names = pd.Series(case.obs.index.astype(str))
    repeats = int(names.duplicated().sum())
    if repeats:
        taken = set(names)
        seen: dict[str, int] = {}
        unique = []
        for name in names:
            number, new = seen.get(name, -1) + 1, name
            while number and (new := f"{name}-{number}") in taken:
                number += 1
            seen[name] = number
            taken.add(new)
            unique.append(new)
        names = pd.Series(unique)
        what = f"{count(repeats, 'cell id')} occurred before; they got a number (-1, -2, …)."
        case.say("mended", "cell-ids", what, "An id must name one cell. Were several samples joined?")
    case.obs.index = pd.Index(names, name="cell")


def drop_empty(case: Case) -> None:
    """Cells without a single count and genes that no cell expresses go; nothing left is refused."""
    if 0 in case.values.shape:
        what = "cells" if case.values.shape[0] == 0 else "genes"
        case.refuse(f"no-{what}", f"No {what} are left.", mend=_OTHER_FILE)
        return
    filled = np.diff(case.values.indptr) > 0
    if not filled.any():
        if not case.refused:
            case.refuse("no-cells", "No cell expresses any gene.", "Every value of the matrix is zero.", _OTHER_FILE)
        return
    if not filled.all():
        empty = int((~filled).sum())
        case.keep(filled)
        case.say("mended", "empty-cells", f"{count(empty, 'empty cell')} dropped.", "Not one gene was seen in them.")
    expressed = np.bincount(case.values.indices, minlength=case.values.shape[1]) > 0
    if not expressed.all():
        names = list(case.genes.index[~expressed])
        unseen = pd.DataFrame({"name": names, "kind": NOT_SEEN, "total": 0.0})
        case.excluded = unseen if case.excluded.empty else pd.concat([case.excluded, unseen], ignore_index=True)
        case.values, case.genes = case.values[:, expressed], case.genes[expressed]
        listed = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        case.say("mended", "empty-genes", f"{count(len(names), 'gene')} that no cell expresses dropped.", f"{listed}.")


def note_depth(case: Case) -> None:
    """Few cells, few genes or few counts limit what can be learnt; said, not refused."""
    n_cells, n_genes = case.values.shape
    if 0 < n_cells < 200:
        case.say("noted", "few-cells", f"Only {count(n_cells, 'cell')}.", "Scores from so few will be uncertain.")
    if 0 < n_genes < 50:
        why = "Types and contexts rest on few genes; read single genes, not signatures."
        case.say("noted", "few-genes", f"Only {count(n_genes, 'gene')}.", why)
    if case.scale == "counts" and n_cells and n_genes:
        if case.values.data.max(initial=0.0) == 1.0:
            what = "Every value is 0 or 1."
            case.say("noted", "binary", what, "Was the matrix binarised? Levels of expression are then lost.")
        median = float(np.median(np.asarray(case.values.sum(axis=1)).ravel()))
        if median < _THIN_COUNTS:
            what = f"Cells are shallow: {median:,.0f} counts in the median cell."
            case.say("noted", "low-counts", what, "A gene that was not seen may well be expressed.")


def _equals(column: pd.Series, value: str) -> NDArray[np.bool_]:
    same = column.astype(str).str.strip().str.lower() == value.strip().lower()
    try:
        return np.asarray(same | (pd.to_numeric(column, errors="coerce") == float(value)), dtype=bool)
    except (ValueError, TypeError):
        return np.asarray(same, dtype=bool)
