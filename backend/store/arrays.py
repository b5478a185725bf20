"""Predicted and measured contexts on disk: cells x genes, chunked so that one gene is read without the others.

A zarr v3 group with the array `values` (n_cells x n_genes, float32, NaN where unknown) and the attribute `genes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.errors import NotFound

CHUNK_CELLS, CHUNK_GENES = 262_144, 4
CHUNK_VALUES = 65_536  # of a matrix that is written in portions


def write_columns(folder: Path, values: NDArray[np.float32], genes: tuple[str, ...]) -> None:
    """Write the group at `folder`, which must not exist. It is not atomic: callers write into a job's own folder."""
    if values.shape[1] != len(genes):
        raise ValueError(f"{values.shape[1]} columns for {len(genes)} genes")
    import zarr

    group = zarr.create_group(folder, zarr_format=3, attributes={"genes": list(genes)})
    chunks = (max(1, min(CHUNK_CELLS, len(values))), max(1, min(CHUNK_GENES, len(genes))))
    array: Any = group.create_array("values", shape=values.shape, chunks=chunks, dtype="float32", fill_value=np.nan)
    array[:] = values


def write_portions(folder: Path, n_cells: int, genes: tuple[str, ...], portions: Iterable[NDArray[np.float32]]) -> None:
    """As `write_columns`, from portions of the genes in their order (each n_cells x some), so that they never need to
    be in memory together. Few cells: more genes share a chunk, lest there be thousands of small files."""
    import zarr

    group = zarr.create_group(folder, zarr_format=3, attributes={"genes": list(genes)})
    wide = int(np.clip(CHUNK_VALUES // max(1, n_cells), CHUNK_GENES, max(1, len(genes))))
    chunks = (max(1, min(CHUNK_CELLS, n_cells)), wide)
    array: Any = group.create_array(
        "values", shape=(n_cells, len(genes)), chunks=chunks, dtype="float32", fill_value=np.nan
    )
    at = 0
    for values in portions:
        array[:, at : at + values.shape[1]] = values
        at += values.shape[1]
    if at != len(genes):
        raise ValueError(f"{at} columns for {len(genes)} genes")


def column_genes(folder: Path) -> tuple[str, ...]:
    return tuple(str(gene) for gene in _open(folder).attrs["genes"])


def read_column(folder: Path, gene: str) -> NDArray[np.float32]:
    """One gene of every cell. Raises `NotFound` for a gene that is not there."""
    group = _open(folder)
    genes = [str(name) for name in group.attrs["genes"]]
    if gene not in genes:
        raise NotFound(f"{gene!r} was not predicted.", mend="Choose one of the run's own genes.")
    return np.asarray(group["values"][:, genes.index(gene)], dtype=np.float32)


def read_columns(folder: Path, genes: Sequence[str] | None = None) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """All genes of every cell, or those given, which must be there, in their order."""
    known = column_genes(folder)
    if genes is None:
        return np.asarray(_open(folder)["values"][:], dtype=np.float32), known
    place = {gene: column for column, gene in enumerate(known)}
    columns = np.array([place[gene] for gene in genes], dtype=np.intp)
    found = np.asarray(_open(folder)["values"].oindex[:, np.unique(columns)], dtype=np.float32)
    return found[:, np.unique(columns, return_inverse=True)[1]], tuple(genes)


def _open(folder: Path) -> Any:
    import zarr  # late: most calls of the command line open no array

    return zarr.open_group(folder, mode="r")
