"""What a test of putting cells back amounts to: medians with their intervals, calibration, warnings in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.analysis.put_back.evidence import Tissue
from backend.analysis.put_back.trial import LEVELS, RANDOM, TYPE_ONLY, USED, Trial

BOOTSTRAPS = 500
TOLERANCE = 0.05  # of what a region holds
_Z = 1.959964  # of a 95 % interval


def summarise(trial: Trial, tissue: Tissue, spots: bool) -> dict[str, Any]:
    """JSON: how places were chosen, one row per way, calibration of single cells and of groups, warnings."""
    wide = {str(way): rows.set_index("row") for way, rows in trial.cells.groupby("way", sort=False)}
    rival = TYPE_ONLY if TYPE_ONLY in wide else RANDOM
    ratios = {
        measure: ratio(wide[USED][measure].to_numpy(), wide[rival][measure].to_numpy())
        for measure in ("guess_um", "drawn_um")
    }
    calibration = calibrate(wide[USED]["mass"].to_numpy(), trial.choice.masses)
    facts: dict[str, Any] = {
        "kind": trial.choice.kind,
        "sharpness": trial.choice.sharpness,
        "firmness": trial.choice.firmness,
        "masses": list(trial.choice.masses),
        "levels": list(LEVELS),
        "likelihood": trial.choice.likelihood,
        "hidden": len(trial.rows),
        "reported": len(wide[USED]),
        "halves": bool(len(np.unique(tissue.half)) > 1),
        "sections": len(np.unique(tissue.section)),
        "rival": rival,
        "ways": [way_row(way, rows) for way, rows in wide.items()],
        "ratios": ratios,
        "calibration": calibration,
        "groups": [group_row(level, trial.groups) for level in LEVELS],
    }
    return facts | {"verdict": verdict(facts), "warnings": warnings(facts, spots)}


def way_row(way: str, rows: pd.DataFrame) -> dict[str, Any]:
    """Medians over the reported cells; gain: mean log of how much likelier the true place is than any other."""
    low, middle, high = (float(end) for end in rows["guess_um"].quantile([0.25, 0.5, 0.75]))
    drawn, found = float(rows["drawn_um"].median()), float(rows["likelihood"].mean())
    return {"way": way, "guess_um": middle, "guess_low": low, "guess_high": high, "drawn_um": drawn, "gain": found}


def ratio(mine: NDArray[np.float64], theirs: NDArray[np.float64]) -> dict[str, float]:
    """Of the medians, with its 95 % interval over cells (bootstrap of pairs)."""
    random = np.random.default_rng(0)
    picks = random.integers(len(mine), size=(BOOTSTRAPS, len(mine)))
    drawn = np.median(mine[picks], axis=1) / np.maximum(np.median(theirs[picks], axis=1), 1e-9)
    low, high = (float(end) for end in np.quantile(drawn, [0.025, 0.975]))
    return {"ratio": float(np.median(mine) / max(float(np.median(theirs)), 1e-9)), "low": low, "high": high}


def calibrate(masses: NDArray[np.float64], limits: tuple[float, ...]) -> list[dict[str, float]]:
    """Per level the share of cells whose true place lies in the stated region, with its 95 % interval."""
    return [{"level": level, **share(int((masses < limit).sum()), len(masses))} for level, limit in zip(LEVELS, limits)]


def group_row(level: float, groups: pd.DataFrame) -> dict[str, float]:
    """Of all cells in groups, the share that lies in their group's region."""
    rows = groups[groups["level"] == level]
    return {"level": level, **share(int(rows["held"].sum()), int(rows["cells"].sum()))}


def strays(row: dict[str, float]) -> bool:
    """Held too often or too seldom: by more than chance, and by enough to matter."""
    beyond = not row["low"] <= row["level"] <= row["high"]
    return beyond and abs(row["held"] - row["level"]) > TOLERANCE


def share(held: int, cells: int) -> dict[str, float]:
    """With Wilson's interval (1927)."""
    if not cells:
        return {"held": 0.0, "low": 0.0, "high": 1.0, "cells": 0}
    found = held / cells
    middle = (found + _Z**2 / (2 * cells)) / (1 + _Z**2 / cells)
    reach = _Z / (1 + _Z**2 / cells) * np.sqrt(found * (1 - found) / cells + _Z**2 / (4 * cells**2))
    return {"held": found, "low": float(middle - reach), "high": float(middle + reach), "cells": cells}


def verdict(facts: dict[str, Any]) -> str:
    """One sentence; no gain is said as plainly as one."""
    medians = {row["way"]: row for row in facts["ways"]}
    mine, rival = medians[USED]["guess_um"], medians[facts["rival"]]["guess_um"]
    ends = facts["ratios"]["guess_um"]
    start = f"Half of the {facts['reported']:,} hidden cells lie within {mine:,.0f} µm of their best guess; "
    known = {TYPE_ONLY: "by cell type alone", RANDOM: "without knowing anything"}[facts["rival"]]
    start += f"{known} it would be {rival:,.0f} µm"
    if ends["high"] < 1:
        return f"{start}, so the error is {1 - ends['ratio']:.0%} smaller."
    if ends["low"] > 1:
        return f"{start}: this is worse, and the maps should not be used."
    return f"{start}: the difference is within chance."


def warnings(facts: dict[str, Any], spots: bool) -> list[str]:
    said = []
    if facts["halves"]:
        said.append(
            "Hidden cells were put back within their own half of the section: the fit that predicted a cell has seen "
            "only the other half, and its level alone would tell which half that is. Reference cells, predicted by the "
            "fit on everything, are put anywhere."
        )
    elif facts["sections"] > 1:
        said.append("Hidden cells were put back within their own section; reference cells are put on any of them.")
    off = [f"{row['level']:.0%}" for row in facts["calibration"] if strays(row)]
    if off:
        said.append(
            f"The stated {' and '.join(off)} regions do not hold the true place that often: read them as rough."
        )
    if spots:
        said.append("A spot is a mixture of cells: only predicted contexts are compared, not expression.")
    if facts["rival"] == RANDOM:
        said.append("The tissue names no cell types, so there is no placement by type to compare with.")
    return said
