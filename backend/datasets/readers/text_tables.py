"""Comma- or tab-separated text: counts (cells are rows, genes are columns) and tables of cells."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, vstack

from backend.datasets.raw import Matrix, Raw
from backend.datasets.readers.coordinates import PAIRS, coordinates_of
from backend.datasets.safety.limits import MB
from backend.datasets.safety.streams import first_bytes, open_bytes
from backend.errors import DataError

_BLOCK_VALUES = 16_000_000
_HEADER_BYTES = 4 * MB
_IDS = ("cell_id", "cellid", "cell", "barcode", "barcodes", "entityid", "cell_name", "id", "index", "", "unnamed: 0")
_PLACES = {name for pair in PAIRS for name in pair[:2]}
_OF_CELLS = {*_IDS, *_PLACES, "fov", "cell_type", "celltype", "section", "sample", "batch", "volume", "area"}
_LAYOUT = "Counts as text have one row per cell and one column per gene; the first column holds the cells' ids."


def read_header(path: Path) -> tuple[list[str], str]:
    """The column names and the separator. Raises `DataError` if this is no table of text."""
    begin = first_bytes(path, _HEADER_BYTES)
    line = begin.splitlines()[0] if begin.strip() else b""
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not a table of text.", "It holds bytes that are no text.", _LAYOUT) from error
    separator = max(",\t;", key=text.count)
    names = next(csv.reader([text], delimiter=separator), [])
    if len(names) >= 2 and len(begin.splitlines()) < 2:
        raise DataError(f"{path.name} holds no rows.", f"Its only line is {text[:60]!r}.", _LAYOUT)
    if len(names) < 2:
        why = f"It begins with {text[:60]!r}." if text else "It is empty."
        raise DataError(f"{path.name} is not a table of text.", why, _LAYOUT)
    return names, separator


def has_places(path: Path) -> bool:
    names = {name.lower() for name in read_header(path)[0]}
    return any(pair.x in names and pair.y in names for pair in PAIRS)


def read_text_table(path: Path, max_mb: int) -> pd.DataFrame:
    """A table of cells: one row per cell; ids stay text, so that 007 and long numbers survive."""
    names, separator = read_header(path)
    with open_bytes(path, max_mb) as stream, _told(path):
        return pd.read_csv(stream, sep=separator, converters=_ids_as_text(names), encoding="utf-8-sig")


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """What pandas cannot read, in words."""
    try:
        yield
    except UnicodeDecodeError as error:
        why = f"The byte {error.object[error.start]:#x} is no letter in UTF-8."
        raise DataError(f"{path.name} is not text in UTF-8.", why, "Save it as CSV in UTF-8.") from error
    except pd.errors.ParserError as error:
        why = str(error).replace("Error tokenizing data. C error: ", "").strip()
        raise DataError(
            f"{path.name} is not one table.", f"{why}.", "Give every row as many fields as the first."
        ) from error


def _ids_as_text(names: list[str]) -> dict[int, type[str]]:
    # Converters, not types: with a type, pandas would still turn an id "NA" into a missing value.
    return {position: str for position, name in enumerate(names) if name.lower() in _IDS}


def find_ids(table: pd.DataFrame) -> pd.Index | None:
    """The ids of a table of cells. CosMx counts its cells anew in each field of view: there both make the id."""
    names = {str(column).lower(): column for column in reversed(list(table.columns))}
    if "cell" not in names and {"fov", "cell_id"} <= set(names):
        field, cell = (table[names[name]].astype(str) for name in ("fov", "cell_id"))
        return pd.Index(field + "_" + cell, dtype=object)
    for name in _IDS:
        if name in names:
            return pd.Index(table[names[name]].astype(str), dtype=object)
    return None


def read_text_counts(path: Path, max_mb: int) -> Raw:
    """Counts of cells x genes. Columns of text, and those named like coordinates or cell facts, go to `obs`."""
    names, separator = read_header(path)
    blocks, tables, genes = [], [], None
    for block in _blocks(path, names, separator, max_mb):
        if len(block.columns) == len(names) + 1:  # R names no first column
            names = ["", *names]
        if genes is None:
            genes = _gene_positions(block, names)
        try:
            blocks.append(csr_matrix(block.iloc[:, genes].to_numpy(dtype=np.float32)))
        except ValueError as error:
            raise DataError(f"{path.name} holds text among its counts.", f"{error}.", _LAYOUT) from error
        tables.append(block.drop(columns=block.columns[genes]))
    if not genes:
        raise DataError(f"{path.name} holds no counts.", "No column of numbers is named like a gene.", _LAYOUT)
    obs = pd.concat(tables, ignore_index=True)
    ids = find_ids(obs)
    if ids is None:
        ids = pd.Index((obs.index if 0 in genes else obs.iloc[:, 0]).astype(str), dtype=object)
    obs.index = ids.rename(None)
    values = vstack(blocks, format="csr")
    note = f"Rows were taken as cells and columns as genes: {len(obs):,} cells, {len(genes):,} genes."
    features = pd.DataFrame(index=pd.Index([names[position] for position in genes], dtype=object))
    return Raw(path.name, {"X": Matrix(values, features)}, obs, coordinates_of(obs), notes=[note])


def _blocks(path: Path, names: list[str], separator: str, max_mb: int) -> Iterator[pd.DataFrame]:
    rows = max(1, _BLOCK_VALUES // len(names))
    ids = _ids_as_text(names)
    with open_bytes(path, max_mb) as stream, _told(path):
        for block in pd.read_csv(
            stream, sep=separator, converters=ids, encoding="utf-8-sig", low_memory=False, chunksize=rows
        ):
            yield block if isinstance(block.index, pd.RangeIndex) else block.reset_index()


def _gene_positions(block: pd.DataFrame, names: list[str]) -> list[int]:
    """Columns of numbers that are named like nothing else. The header's own names: pandas renames repeated ones."""
    numeric = [pd.api.types.is_numeric_dtype(kind) for kind in block.dtypes]
    return [place for place, name in enumerate(names) if numeric[place] and name.lower() not in _OF_CELLS]
