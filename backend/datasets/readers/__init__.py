"""Files into `Raw`: the format is told by the content, every file is checked before it is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import h5py

from backend.datasets.raw import Raw
from backend.datasets.readers.h5ad import read_h5ad
from backend.errors import DataError, UserError


def read(paths: Sequence[Path], max_mb: int) -> Raw:
    """Read one data set from one file or two. `max_mb`: the most that may lie in memory after unpacking.

    Raises `DataError`, and nothing else, for whatever is wrong with the files."""
    try:
        return _read(paths, max_mb)
    except UserError:
        raise
    except Exception as error:  # a library met something odd in a stranger's file: that is the file's fault
        names = " and ".join(path.name for path in paths)
        raise DataError(
            f"{names} cannot be read.",
            f"{type(error).__name__}: {error}",
            "Write it again with the program it comes from, or with AnnData (`adata.write_h5ad(...)`).",
        ) from error


def _read(paths: Sequence[Path], max_mb: int) -> Raw:
    (path,) = paths
    if not h5py.is_hdf5(path):
        raise DataError(f"{path.name} is not an HDF5 file.")
    return read_h5ad(path, max_mb)
