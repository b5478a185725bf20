"""Read a parquet table after its footer has been looked at."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from backend.datasets.safety.limits import TEXT_BYTES, check_size, declared_bytes
from backend.errors import DataError


def check_parquet(path: Path, max_mb: int) -> None:
    """Raise `DataError` for a damaged file, or one that declares more rows, columns or bytes than `max_mb` allows."""
    try:
        footer = pq.ParquetFile(path).metadata
    except (pa.ArrowException, OSError) as error:
        again = "Copy or download the file once more."
        raise DataError(f"{path.name} cannot be opened as a parquet table.", f"{error}", again) from error
    groups = sum(footer.row_group(position).total_byte_size for position in range(footer.num_row_groups))
    cells = declared_bytes((footer.num_rows, max(1, footer.num_columns)), TEXT_BYTES)
    check_size(max(groups, cells), max_mb, path.name)


def read_parquet(path: Path, max_mb: int) -> pd.DataFrame:
    """The plain columns (numbers and texts) of a parquet table."""
    check_parquet(path, max_mb)
    schema = pq.ParquetFile(path).schema_arrow
    plain = [field for field in schema if not pa.types.is_nested(field.type)]
    texts = [field.name for field in plain if _is_text(field.type)]
    # Texts stay a dictionary until their length is known: one long text named a million times takes little room so.
    with pq.ParquetFile(path, read_dictionary=texts) as file:
        table = file.read(columns=[field.name for field in plain])
    for name in texts:
        _check_lengths(table.column(name), name, max_mb)
        table = table.set_column(table.column_names.index(name), name, _decoded(table.column(name)))
    frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
    return frame


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_dictionary(kind))


def _check_lengths(column: pa.ChunkedArray, name: str, max_mb: int) -> None:
    longest = 0
    for chunk in column.chunks:
        words = chunk.dictionary if pa.types.is_dictionary(chunk.type) else chunk
        if len(words) and not pa.types.is_primitive(words.type):
            longest = max(longest, pc.max(pc.binary_length(words)).as_py() or 0)
    check_size(declared_bytes((len(column),), longest), max_mb, f"The column {name}")


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.cast(pa.string()) if pa.types.is_binary(column.type) else column  # old Xenium ids are bytes
