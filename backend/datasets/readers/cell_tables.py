"""Join the counts of one file with the table of cells of another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from backend.datasets.raw import Matrix, Raw
from backend.datasets.readers.coordinates import coordinates_of, find_pairs
from backend.datasets.readers.text_tables import find_ids, read_text_table
from backend.datasets.safety.parquet import read_parquet
from backend.errors import DataError
from backend.records import Answers

_IDS_FIT = "Choose the two files of the same run, and keep the cells' ids as they were written."


def read_cell_table(path: Path, max_mb: int, is_parquet: bool) -> pd.DataFrame:
    """One row per cell; index: the ids as text. Raises `DataError` if there are no ids or they repeat."""
    table = read_parquet(path, max_mb) if is_parquet else read_text_table(path, max_mb)
    if not find_pairs(table):
        why = f"Its columns are: {', '.join(map(str, table.columns[:12]))}."
        mend = "Name them x_centroid and y_centroid, or x and y."
        raise DataError(f"{path.name} holds no coordinates.", why, mend)
    ids = find_ids(table)
    if ids is None:
        raise DataError(f"{path.name} names no cells.", "It has no column of ids.", "Add a column cell_id.")
    if ids.has_duplicates:
        again = ids[ids.duplicated()][0]
        raise DataError(f"{path.name} lists cells twice.", f"The id {again!r} is one of them.", _IDS_FIT)
    return table.set_axis(ids.rename(None), axis=0)


def join_cells(raw: Raw, table: pd.DataFrame, source: str) -> Raw:
    """`raw` with the columns and coordinates of `table`, over the cells that both know, in the order of `raw`."""
    known = raw.obs.index.isin(table.index)
    unused = len(table) - int(table.index.isin(raw.obs.index).sum())
    if not known.any():
        why = (
            f"{len(raw.obs):,} cells (such as {_first(raw.obs.index)}) against {len(table):,} ({_first(table.index)})."
        )
        if _is_turned(raw, table):
            why += " The coordinates' ids are the columns of the counts: those are genes x cells."
        raise DataError(f"No cell of {raw.source} is listed in {source}.", why, _IDS_FIT)
    joined = keep_cells(raw, known)
    rows = table.loc[joined.obs.index]
    new = [column for column in rows.columns if column not in joined.obs.columns]
    joined.obs = pd.concat([joined.obs, rows[new]], axis=1)
    joined.coordinates = coordinates_of(rows) | joined.coordinates
    joined.source = f"{raw.source} + {source}"
    if not known.all():
        joined.notes.append(f"{(~known).sum():,} of {known.size:,} cells are not listed in {source}: left out.")
    if unused:
        joined.notes.append(f"{unused:,} of {len(table):,} cells of {source} have no counts: left out.")
    _add_hints(joined, table)
    return joined


def _first(index: pd.Index) -> str:
    return repr(index[0]) if len(index) else "none"


def _is_turned(raw: Raw, table: pd.DataFrame) -> bool:
    return any(matrix.features.index.isin(table.index).any() for matrix in raw.matrices.values())


def keep_cells(raw: Raw, mask: np.ndarray) -> Raw:
    """The same data over the cells where `mask` is true."""
    matrices = {name: Matrix(matrix.values[mask], matrix.features) for name, matrix in raw.matrices.items()}
    coordinates = {name: values[mask] for name, values in raw.coordinates.items()}
    controls = None if raw.controls is None else raw.controls[mask]
    parts = (raw.hints, raw.reasons, raw.excluded, list(raw.notes), controls)
    return Raw(raw.source, matrices, raw.obs[mask], coordinates, *parts)


def _add_hints(raw: Raw, table: pd.DataFrame) -> None:
    """What the instrument's own column names prove."""
    names = {str(column).lower() for column in table.columns}
    _, _, unit = find_pairs(table)[0]
    if {"x_centroid", "y_centroid"} <= names and names & {"transcript_counts", "cell_area", "nucleus_area"}:
        raw.hints, raw.reasons = Answers(unit="um"), {"unit": "A Xenium run writes its centroids in um."}
    elif {"center_x", "center_y", "min_x", "max_x"} <= names:
        raw.hints, raw.reasons = Answers(unit="um"), {"unit": "A MERSCOPE run writes its centres in um."}
    elif {"pxl_col_in_fullres", "array_row"} <= names:
        reason = "Space Ranger lists its spots in pixels of the full image."
        raw.hints, raw.reasons = Answers(unit="px", spots=True), {"unit": reason, "spots": reason}
    elif unit:
        raw.hints, raw.reasons = Answers(unit=unit), {"unit": "The column's name says so."}
