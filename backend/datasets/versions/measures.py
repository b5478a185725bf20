"""What can be measured of each cell: the numbers that quality is judged by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from backend.records import DatasetRecord
from backend.store import matrix


@dataclass(frozen=True)
class Measure:
    """name: the column of the cells. skewed: judged on a log scale, at both ends; else a share in [0, 1] of which too
    much is bad."""

    name: str
    title: str
    unit: str
    skewed: bool


KNOWN = (
    Measure("counts", "Counts", "counts", True),
    Measure("genes", "Genes seen", "genes", True),
    Measure("area_um2", "Cell area", "µm²", True),
    Measure("volume", "Cell volume", "µm³", True),  # as MERSCOPE writes it
    Measure("control_share", "Share of control probes", "", False),
    Measure("mito_share", "Share of mitochondrial genes", "", False),
)
_OF_VALUES = Measure("counts", "Total expression", "", True)  # where the matrix holds no counts


def measures_of(record: DatasetRecord) -> tuple[Measure, ...]:
    """The measures that this data set has for at least one cell."""
    table = measure_table(record.id)
    found = tuple(measure for measure in KNOWN if measure.name in table)
    return tuple(_OF_VALUES if measure.name == "counts" and record.scale != "counts" else measure for measure in found)


def measure_table(dataset_id: str) -> pd.DataFrame:
    """One row per cell (index "cell"), a column of float32 per measure that is known for at least one cell."""
    table = matrix.obs(dataset_id, [measure.name for measure in KNOWN])
    numbers = {
        measure.name: table[measure.name].to_numpy(dtype=np.float32, na_value=np.nan)
        for measure in KNOWN
        if measure.name in table and pd.api.types.is_numeric_dtype(table[measure.name])
    }
    known = {name: values for name, values in numbers.items() if np.isfinite(values).any()}
    return pd.DataFrame(known, index=table.index)


def title_of(name: str) -> tuple[str, str]:
    """(title, unit) of a measure; a column that is none of ours is called by its name."""
    return next(((one.title, one.unit) for one in KNOWN if one.name == name), (name, ""))


def amount(name: str, value: float) -> str:
    """A value of a measure in words: `5 %`, `1,200`, `48.5 µm²`."""
    measure = next((one for one in KNOWN if one.name == name), None)
    if measure and not measure.skewed:
        return f"{100 * value:.3g} %"
    text = f"{value:,.0f}" if abs(value) >= 100 or value == round(value) else f"{value:.3g}"
    return f"{text} {measure.unit}" if measure and measure.unit.startswith("µ") else text
