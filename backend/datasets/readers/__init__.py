"""Files into `Raw`: the format is told by the content, every file is checked before it is read."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from backend.datasets.raw import Raw
from backend.datasets.readers.anndata_store import read_anndata
from backend.datasets.readers.cell_tables import join_cells, read_cell_table
from backend.datasets.readers.formats import ACCEPTED, Format, tell_format
from backend.datasets.readers.tenx import find_matrix_files, is_tenx, read_tenx_folder, read_tenx_h5
from backend.datasets.readers.text_tables import has_places, read_header, read_text_counts
from backend.datasets.readers.zarr_store import find_zarr_root, read_zarr
from backend.datasets.safety.archives import unpack
from backend.datasets.safety.hdf5 import open_hdf5
from backend.datasets.safety.memory import limited_memory
from backend.errors import DataError, UserError


def read(paths: Sequence[Path], max_mb: int) -> Raw:
    """Read one data set from one file, or from counts and a table of cells in any order. Text holds cells as rows.

    `max_mb`: the most that may be unpacked. Raises `DataError`, and nothing else, for whatever is wrong with the
    files. Coordinates keep the unit of the file."""
    try:
        with limited_memory(max_mb):
            return _read([Path(path) for path in paths], max_mb)
    except UserError:
        raise
    except MemoryError as error:
        what = f"{' and '.join(Path(path).name for path in paths)} would fill this machine's memory."
        raise DataError(what, f"At most {max_mb:,} MB of data are read.", "Make the data smaller.") from error
    except Exception as error:  # a library met something odd in a stranger's file: that is the file's fault
        names = " and ".join(Path(path).name for path in paths)
        raise DataError(
            f"{names} cannot be read.",
            f"{type(error).__name__}: {str(error)[:300]}",
            "Write it again with the program it comes from, or with AnnData (`adata.write_h5ad(...)`).",
        ) from error


def _read(paths: list[Path], max_mb: int) -> Raw:
    formats = {path: tell_format(path) for path in paths}
    if len(paths) == 1:
        return _read_counts(paths[0], formats[paths[0]], max_mb)
    if len(formats) != 2:
        raise DataError(f"{len(paths)} files were given.", "A data set is one file, or two different ones.", ACCEPTED)
    table = _choose_table(formats)
    (counts,) = (path for path in paths if path != table)
    cells = read_cell_table(table, max_mb, is_parquet=formats[table] is Format.PARQUET)
    return join_cells(_read_counts(counts, formats[counts], max_mb), cells, table.name)


def _choose_table(formats: dict[Path, Format]) -> Path:
    """Of two files, the one that lists cells with coordinates."""
    tables = [path for path, kind in formats.items() if kind in (Format.PARQUET, Format.TEXT)]
    if len(tables) == 2:
        placed = [path for path in tables if formats[path] is Format.PARQUET or has_places(path)]
        tables = placed if len(placed) == 1 else sorted(placed, key=lambda path: len(read_header(path)[0]))[:1]
    if len(tables) != 1:
        names = " and ".join(path.name for path in formats)
        raise DataError(
            f"{names} do not belong together.",
            "Of two files, one holds counts and the other lists the cells with their coordinates (x and y).",
            ACCEPTED,
        )
    return tables[0]


def _read_counts(path: Path, kind: Format, max_mb: int) -> Raw:
    if kind is Format.TEXT:
        return read_text_counts(path, max_mb)
    if kind is Format.HDF5:
        return _read_hdf5(path, max_mb)
    if kind is Format.ARCHIVE:
        with tempfile.TemporaryDirectory(prefix="resitu-") as folder:
            unpack(path, Path(folder), max_mb)
            return _read_folder(Path(folder), path.name, max_mb)
    raise DataError(
        f"{path.name} lists cells but holds no counts.", "", "Give cell_feature_matrix.h5 together with it."
    )


def _read_hdf5(path: Path, max_mb: int) -> Raw:
    with open_hdf5(path, max_mb) as file:
        if "obs" in file and "var" in file:
            return read_anndata(file, path.name)
        if is_tenx(file):
            return read_tenx_h5(file, path.name)
        why = f"It holds {', '.join(list(file)[:8]) or 'nothing'}."
    raise DataError(f"{path.name} is HDF5, but neither AnnData nor a 10x matrix.", why, ACCEPTED)


def _read_folder(folder: Path, source: str, max_mb: int) -> Raw:
    root = find_zarr_root(folder)
    if root is not None:
        return read_zarr(root, source, max_mb)
    if find_matrix_files(folder):
        return read_tenx_folder(folder, source, max_mb)
    names = sorted(path.name for path in folder.rglob("*") if path.is_file())
    why = f"It holds {', '.join(names[:6]) or 'nothing'}."
    raise DataError(f"{source} holds neither a zarr store nor a 10x matrix folder.", why, ACCEPTED)
