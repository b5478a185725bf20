"""Reading a data set cheaply: single genes, single cells, tables. Zarr and parquet only, so a page may call it.

A data set's content never changes once its folder stands, so what is small (its gene names, the offsets of its
matrices) is kept in memory, by path.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.errors import NotFound
from backend.store import layout

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

BY_CELL, BY_GENE = "X", "layers/by_gene"
NOT_SEEN = "not seen"  # kind of what was set aside: a gene that no cell expresses


def gene_values(dataset_id: str, gene: str) -> NDArray[np.float32]:
    """One gene in every cell, n_cells float32, in the data set's scale. Raises NotFound for an unknown gene."""
    folder = _folder(dataset_id)
    positions = _gene_positions(folder)
    if gene not in positions:
        raise NotFound(f"{gene!r} is not a gene of this data set.", mend="Choose one from its list of genes.")
    n_cells, _ = _shape(folder)
    offsets, j = _offsets(folder, BY_GENE), positions[gene]
    group = _group(folder, BY_GENE)
    column = np.zeros(n_cells, dtype=np.float32)
    column[group["indices"][offsets[j] : offsets[j + 1]]] = group["data"][offsets[j] : offsets[j + 1]]
    return column


def cell_rows(dataset_id: str, rows: Sequence[int] | NDArray[np.integer]) -> csr_matrix:
    """Some cells, in the order asked, as CSR float32 over all genes. Reads only the rows' own slices."""
    from scipy.sparse import csr_matrix

    folder = _folder(dataset_id)
    n_cells, n_genes = _shape(folder)
    wanted = np.asarray(rows, dtype=np.int64)
    if wanted.size and (wanted.min() < 0 or wanted.max() >= n_cells):
        raise NotFound(f"The data set has {n_cells:,} cells; row {int(wanted.max())} is not one of them.")
    offsets, group = _offsets(folder, BY_CELL), _group(folder, BY_CELL)
    if len(wanted) > 64:  # one read of everything beats many small ones
        return load_csr(dataset_id)[0][wanted]
    spans = [slice(int(offsets[i]), int(offsets[i + 1])) for i in wanted]
    data = [group["data"][span] for span in spans] or [np.zeros(0, np.float32)]
    indices = [group["indices"][span] for span in spans] or [np.zeros(0, np.int32)]
    starts = np.concatenate([[0], np.cumsum([span.stop - span.start for span in spans])])
    return csr_matrix((np.concatenate(data), np.concatenate(indices), starts), shape=(len(wanted), n_genes))


def load_csr(dataset_id: str) -> tuple[csr_matrix, tuple[str, ...]]:
    """The whole matrix, n_cells x n_genes CSR float32, and its gene names."""
    from scipy.sparse import csr_matrix

    folder = _folder(dataset_id)
    group = _group(folder, BY_CELL)
    parts = (group["data"][:], group["indices"][:], _offsets(folder, BY_CELL))
    return csr_matrix(parts, shape=_shape(folder)), tuple(_gene_positions(folder))


def obs(dataset_id: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """The table of cells (index "cell"); with `columns`, only those of them that exist."""
    import pyarrow.parquet as pq

    path = _folder(dataset_id) / "obs.parquet"
    if columns is None:
        return pd.read_parquet(path)
    known = set(pq.read_schema(path).names)
    return pd.read_parquet(path, columns=[column for column in columns if column in known])


def obs_columns(dataset_id: str) -> list[str]:
    """The names of the columns of the table of cells."""
    import pyarrow.parquet as pq

    names = pq.read_schema(_folder(dataset_id) / "obs.parquet").names
    return [name for name in names if name != "cell"]


def var(dataset_id: str) -> pd.DataFrame:
    """The table of genes (index "gene"): symbol, ensembl, detection, mean, is_panel."""
    return pd.read_parquet(_folder(dataset_id) / "var.parquet")


def excluded(dataset_id: str) -> pd.DataFrame:
    """What was set aside when the data set was read: name, kind (a control's, or `NOT_SEEN`), total."""
    return pd.read_parquet(_folder(dataset_id) / "excluded.parquet")


def _folder(dataset_id: str) -> Path:
    folder = layout.dataset_folder(dataset_id)
    if not (folder / "record.json").exists():
        raise NotFound(f"There is no data set {dataset_id!r}.", mend="Open the list of data sets.")
    return folder


@lru_cache(maxsize=32)
def _gene_positions(folder: Path) -> dict[str, int]:
    names = pd.read_parquet(folder / "var.parquet", columns=[]).index
    return {str(name): i for i, name in enumerate(names)}


@lru_cache(maxsize=32)
def _shape(folder: Path) -> tuple[int, int]:
    n_cells, n_genes = _group(folder, BY_CELL).attrs["shape"]
    return int(n_cells), int(n_genes)


@lru_cache(maxsize=32)
def _offsets(folder: Path, where: str) -> NDArray[np.int64]:
    return np.asarray(_group(folder, where)["indptr"][:], dtype=np.int64)


def _group(folder: Path, where: str) -> Any:
    import zarr  # late, like scipy and pyarrow: most calls of the command line read no matrix

    return zarr.open_group(folder / "data.zarr", mode="r", path=where)
