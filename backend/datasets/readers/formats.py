"""Tell a file's format by its first bytes, and say what to do about those that are not read."""

from __future__ import annotations

import zipfile
from enum import StrEnum
from pathlib import Path

import h5py

from backend.datasets.safety.streams import GZIP, first_bytes
from backend.errors import DataError

ACCEPTED = (
    "Accepted are .h5ad; 10x .h5; a 10x matrix folder as .zip or .tar.gz; cell_feature_matrix.h5 with cells.parquet or "
    "cells.csv(.gz); a SpatialData or AnnData .zarr as .zip; counts as .csv, .tsv or .csv.gz, with coordinates in a "
    "second one."
)
# anndataR (Bioconductor 3.22) writes without Python; `write_h5ad` takes a Seurat or a SingleCellExperiment object.
_FROM_R = """Three lines in R make an .h5ad of it:
install.packages("BiocManager"); BiocManager::install(c("anndataR", "rhdf5"))
object <- {read}
anndataR::write_h5ad(object, "{name}.h5ad")"""
_READ_R = {  # ending -> how R reads it; an old Seurat object is brought up to date, as a new one stays what it is
    "rds": 'SeuratObject::UpdateSeuratObject(readRDS("{file}"))',
    "h5seurat": 'SeuratDisk::LoadH5Seurat("{file}")',
    "qs": 'qs::qread("{file}")',
} | dict.fromkeys(("rda", "rdata", "robj"), 'get(load("{file}"))')
_R_SUFFIXES = tuple(f".{ending}" for ending in _READ_R)
_R_BEGINS = (b"X\n\x00", b"A\n2\n", b"A\n3\n", b"RDX2", b"RDX3", b"RDA2", b"RDA3")
_TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")


class Format(StrEnum):
    HDF5 = "hdf5"
    ARCHIVE = "archive"
    PARQUET = "parquet"
    TEXT = "text"


def tell_format(path: Path) -> Format:
    """Raises `DataError` for what is missing, empty, unknown, or not what its name says."""
    if path.is_dir():
        raise DataError(f"{path.name} is a folder.", "Files are read.", f"Pack it as .zip. {ACCEPTED}")
    if not path.is_file():
        raise DataError(f"{path.name} is not there.", "", "Upload it once more.")
    if path.stat().st_size == 0:
        raise DataError(f"{path.name} is empty.", "It has 0 bytes.", "Copy or download the file once more.")
    with path.open("rb") as file:
        begin = file.read(512)
    inside = first_bytes(path, 512) if begin.startswith(GZIP) else begin
    if path.name.lower().endswith(_R_SUFFIXES) or inside.startswith(_R_BEGINS):
        raise DataError(f"{path.name} is an R object.", "Only R can open it.", _from_r(path.name))
    if h5py.is_hdf5(path):
        return Format.HDF5
    if zipfile.is_zipfile(path) or inside[257:262] == b"ustar":
        return Format.ARCHIVE
    if begin.startswith(b"PAR1"):
        return Format.PARQUET
    if path.name.lower().endswith(_TEXT_SUFFIXES) and b"\x00" not in inside and inside:
        return Format.TEXT
    raise _unknown(path, inside)


def _from_r(file: str) -> str:
    """How to convert a file of R, line by line."""
    name, ending = file.rsplit(".", 1) if "." in file else (file, "")
    read = _READ_R.get(ending.lower(), _READ_R["rds"])
    return _FROM_R.format(read=read.format(file=file), name=name)


def _unknown(path: Path, inside: bytes) -> DataError:
    begins = inside[:24].decode("utf-8", "replace")
    if path.suffix.lower() in (".h5ad", ".h5"):
        why = f"It is not an HDF5 file; it begins with {begins!r}." if begins else "It is empty."
        mend = "Write it with `adata.write_h5ad(...)`, or copy it once more if it was cut off."
        return DataError(f"{path.name} cannot be opened.", why, mend)
    if path.suffix.lower() in (".zip", ".gz", ".tgz", ".tar"):
        return DataError(f"{path.name} cannot be unpacked.", "It is damaged or of another kind.", ACCEPTED)
    return DataError(f"{path.name} is of a kind that is not read.", f"It begins with {begins!r}.", ACCEPTED)
