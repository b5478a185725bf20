"""What every way of naming cells gives back, and how it is read again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.errors import DataError
from backend.records import DatasetRecord, JobState, JobStatus
from backend.store import index, layout, matrix

TRANSFER_VERSION = 2  # in the params of a transfer, so that other maths is other work: raise it with the numbers
UNSURE = "unsure"  # the name of a cell that got no name
COLUMN = "column"  # a source of types: as the data name them
_OWN = ("cell", "type", "probability")  # columns that every table of types has


@dataclass(frozen=True)
class Found:
    """types: n names, one per cell in the data set's order. probability: n float32, NaN where nothing was estimated.
    source: where the types come from, in a sentence. facts: what else the page shows, as JSON. tables: further
    results, written as `<name>.parquet`. extra: columns of n values beside type and probability."""

    types: NDArray[np.object_]
    probability: NDArray[np.float32]
    source: str
    facts: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    extra: dict[str, NDArray[Any]] = field(default_factory=dict)

    @property
    def unsure(self) -> float:
        """The share of cells without a name."""
        return float(np.mean(self.types == UNSURE))

    @property
    def names(self) -> list[str]:
        """The types found, without "unsure", sorted."""
        return sorted({str(name) for name in self.types} - {UNSURE})


@dataclass(frozen=True)
class Source:
    """Types that were found earlier. cells: indexed by cell, with type, probability and what else was found per cell.
    sentence, facts, tables: as `Found` had them."""

    cells: pd.DataFrame
    sentence: str
    facts: dict[str, Any]
    tables: dict[str, pd.DataFrame]

    @property
    def extra(self) -> list[str]:
        return [str(name) for name in self.cells if name not in _OWN]


def said_of_column(record: DatasetRecord) -> str:
    return f"Types as the data name them (column {record.columns.get('type', 'type')!r})."


def read_source(record: DatasetRecord, source: str) -> Source:
    """source: `"column"` of this data set, or the id of a finished annotation, of this data set or of another version
    of it. Raises `DataError` where it names no types."""
    if source == COLUMN:
        cells = matrix.obs(record.id, ["type"])
        if "type" not in cells:
            raise DataError(f"{record.name!r} names no cell types.", mend="Work them out first.")
        unknown = np.full(len(cells), np.nan, dtype=np.float32)
        return Source(cells.astype(object).assign(probability=unknown), said_of_column(record), {}, {})
    job = index.get(JobStatus, source)
    folder = layout.result_folder(source)
    if job.kind != "annotate" or job.state is not JobState.SUCCEEDED:
        raise DataError(
            "The names that this starts from are not there.", f"The job {source} is {job.state.value}.",
            "Wait for it, or try it again.",
        )  # fmt: skip
    cells = pd.read_parquet(folder / "types.parquet").set_index("cell")
    cells["type"] = cells["type"].astype(object)
    facts = {name: value for name, value in job.result.items() if name not in ("source", "unsure")}
    return Source(cells, str(job.result["source"]), facts, tables_of(source))


def tables_of(job_id: str) -> dict[str, pd.DataFrame]:
    """The tables that a finished annotation left besides the types, by name."""
    paths = sorted(layout.result_folder(job_id).glob("*.parquet"))
    return {path.stem: pd.read_parquet(path) for path in paths if path.stem != "types"}


def way_of(source: str) -> str:
    """How the names that an edit or a version started from were found: `"column"`, "transfer", "markers", ..."""
    while source != COLUMN:
        params = index.get(JobStatus, source).params
        if "base" not in params:
            return str(params["how"])
        source = str(params["base"])
    return COLUMN


def still_true(source: Source, extra: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """The facts of a source that hold for cells taken over from it; groups are counted anew among these cells."""
    facts = {name: value for name, value in source.facts.items() if name != "colours"}  # those of its own names
    if "no_counterpart" in facts and "group" in extra:
        sizes = pd.Series(extra["group"]).value_counts()
        told = [{**row, "cells": int(sizes.get(row["group"], 0))} for row in facts["no_counterpart"]]
        facts["no_counterpart"] = [row for row in told if row["cells"]]
    return facts
