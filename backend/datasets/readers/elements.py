"""The elements of an AnnData store, read one by one from an HDF5 or zarr group that has been checked.

Matrices are built here and not by a library: the header of a sparse matrix is a stranger's word, and a wrong index
would make compiled code read foreign memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix, vstack

from backend.datasets.raw import Matrix
from backend.datasets.readers.coordinates import coordinates_of, is_place
from backend.datasets.safety.limits import MB
from backend.errors import DataError

_BLOCK_BYTES = 64 * MB
_AGAIN = "Write the file again with AnnData (`adata.write_h5ad(...)`)."


def is_group(element: Any) -> bool:
    return hasattr(element, "keys")


def read_matrices(store: Any, obs: pd.DataFrame, var: pd.DataFrame) -> dict[str, Matrix]:
    """All expression matrices: "X", "layers/NAME", "raw". `store`: an h5py or zarr group in AnnData's layout."""
    places = {"X": "X"} | {f"layers/{name}": f"layers/{name}" for name in store.get("layers", ())}
    matrices = {
        name: Matrix(read_matrix(store[place], name, (len(obs), len(var))), var)
        for name, place in places.items()
        if _holds_matrix(store, place)
    }
    for x, features in (("raw/X", "raw/var"), ("raw.X", "raw.var")):  # the second is AnnData before 0.7
        if x in store and features in store:
            genes, _ = read_frame(store[features], features)
            values = read_matrix(store[x], "raw", (len(obs), len(genes)))
            matrices["raw"] = Matrix(values, _completed(genes, var))
    if not matrices:
        raise DataError("This file holds no expression matrix.", "Neither X, a layer nor raw has values.", _AGAIN)
    return matrices


def _completed(genes: pd.DataFrame, var: pd.DataFrame) -> pd.DataFrame:
    """The table of raw's genes, with what var alone knows of them, such as their symbols; "" where it knows nothing."""
    if genes.index.has_duplicates or var.index.has_duplicates:
        return genes
    known = var[[column for column in var if column not in genes]].reindex(genes.index)
    return genes.join(known.astype("string").fillna(""))


def _holds_matrix(store: Any, place: str) -> bool:
    if place not in store:
        return False
    element = store[place]
    if element.attrs.get("encoding-type") == "null":
        return False
    return place == "X" or is_group(element) or len(element.shape) == 2


def read_matrix(element: Any, where: str, shape: tuple[int, int]) -> csr_matrix:
    """cells x features as CSR float32; `shape` is what the tables of cells and genes say. Raises `DataError`."""
    if is_group(element):
        return _read_sparse(element, where, shape)
    if tuple(element.shape) != shape:
        raise _misfit(where, tuple(element.shape), shape)
    _check_numeric(element, where)
    rows = max(1, _BLOCK_BYTES // max(1, shape[1] * element.dtype.itemsize))
    blocks = [csr_matrix(_as_float32(element[start : start + rows])) for start in range(0, shape[0], rows)]
    return vstack(blocks, format="csr", dtype=np.float32) if blocks else csr_matrix(shape, dtype=np.float32)


def _read_sparse(group: Any, where: str, shape: tuple[int, int]) -> csr_matrix:
    encoding = str(group.attrs.get("encoding-type") or group.attrs.get("h5sparse_format") or "")
    declared = group.attrs.get("shape", group.attrs.get("h5sparse_shape", ()))
    if not encoding.startswith(("csr", "csc")) or not {"data", "indices", "indptr"} <= set(group.keys()):
        raise DataError(f"{where} is not a matrix.", f"It is stored as {encoding or 'something unnamed'!r}.", _AGAIN)
    declared = tuple(int(size) for size in declared)
    if declared != shape:
        raise _misfit(where, declared, shape)
    return build_sparse(group, where, shape, by_column=encoding.startswith("csc"))


def build_sparse(group: Any, where: str, shape: tuple[int, int], by_column: bool) -> csr_matrix:
    """CSR float32 from the arrays `data`, `indices`, `indptr` of a group, each index checked."""
    _check_numeric(group["data"], where)
    outer, inner = shape[::-1] if by_column else shape
    data, indices = group["data"], group["indices"]
    indptr = np.asarray(group["indptr"][:])
    for name, array in (("indices", indices), ("indptr", indptr)):
        if array.dtype.kind not in "iu":
            raise DataError(f"{where} is not a valid sparse matrix.", f"Its {name} are not whole numbers.", _AGAIN)
    if indptr.shape != (outer + 1,) or data.shape != indices.shape or len(data.shape) != 1:
        raise DataError(f"{where} is not a valid sparse matrix.", "Its parts do not fit together.", _AGAIN)
    indptr = indptr.astype(np.int64)
    if indptr[0] != 0 or indptr[-1] != data.shape[0] or (np.diff(indptr) < 0).any():
        raise DataError(f"{where} is not a valid sparse matrix.", "Its row pointers are out of order.", _AGAIN)
    columns = np.asarray(indices[:]).astype(np.int64, copy=False)
    if columns.size and (columns.min() < 0 or columns.max() >= inner):
        raise DataError(f"{where} is not a valid sparse matrix.", "Some indices lie outside of it.", _AGAIN)
    build = csc_matrix if by_column else csr_matrix
    matrix = build((_as_float32(data[:]), columns, indptr), shape=shape).tocsr()
    matrix.sum_duplicates()
    return matrix


def _as_float32(values: Any) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # what is too large becomes inf, and the doctor refuses that
        return np.asarray(values).astype(np.float32, copy=False)


def _check_numeric(element: Any, where: str) -> None:
    if element.dtype.kind in "biuf":
        return
    kind = "complex numbers" if element.dtype.kind == "c" else "text or mixed values"
    raise DataError(
        f"{where} holds {kind} ({element.dtype}).",
        "Expression must be plain real numbers.",
        "Put counts into X (for example `adata.X = adata.X.astype('float32')`) and write the file again.",
    )


def _misfit(where: str, declared: tuple[int, ...], shape: tuple[int, int]) -> DataError:
    says = " x ".join(f"{size:,}" for size in declared) or "nothing"
    why = f"It declares {says}; the tables list {shape[0]:,} cells and {shape[1]:,} genes."
    return DataError(f"{where} does not fit its cells and genes.", why, _AGAIN)


def read_frame(element: Any, where: str) -> tuple[pd.DataFrame, list[str]]:
    """A table of cells or genes and a sentence for each column that had to be left out. Index: text, as in the file."""
    from anndata.io import read_elem

    if not is_group(element):  # AnnData before 0.7: one compound array
        frame = pd.DataFrame.from_records(np.asarray(element[:])).map(_decoded)
        return _with_text_index(frame.set_index(frame.columns[0])), []
    if "_index" not in element.attrs or str(element.attrs["_index"]) not in element:
        raise DataError(f"{where} is not a table.", "It names no index.", _AGAIN)
    if str(element.attrs.get("encoding-version")) == "0.1.0":  # categories live elsewhere: leave it to anndata
        return _with_text_index(pd.DataFrame(read_elem(element))), []
    index = str(element.attrs["_index"])
    labels = np.asarray(read_elem(element[index]))
    columns, notes = {}, []
    for name in (str(column) for column in element.attrs.get("column-order", ())):
        try:
            if not is_group(element[name]) and element[name].shape != labels.shape:
                raise ValueError(f"its shape is {element[name].shape}")
            columns[name] = _plain(pd.Series(read_elem(element[name]), index=range(len(labels))))
        except MemoryError:
            raise
        except Exception as error:  # a library's failure with one odd column must not cost the file
            notes.append(f"The column {name!r} of {where} was left out ({type(error).__name__}: {error}).")
    frame = pd.DataFrame(columns, index=range(len(labels)))
    return _with_text_index(frame.set_axis(pd.Index(labels), axis=0)), notes


def _with_text_index(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_axis(pd.Index([str(_decoded(label)) for label in frame.index], dtype=object), axis=0)


def _decoded(value: object) -> object:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _plain(column: pd.Series) -> pd.Series:
    """Text as Python text; numbers that know "missing" as floats with NaN."""
    if isinstance(column.dtype, pd.StringDtype):
        return column.astype(object)
    if isinstance(column.dtype, pd.api.extensions.ExtensionDtype) and pd.api.types.is_numeric_dtype(column.dtype):
        return column.astype("float64") if column.hasnans else pd.Series(np.asarray(column.tolist()), column.index)
    return column


def read_places(store: Any, obs: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Coordinates, n x 2, in the file's own unit: first those of `obsm`, then those of `obs`."""
    from anndata.io import read_elem

    found = {}
    for name in sorted(filter(is_place, store.get("obsm", ())), key=lambda name: (name.lower() != "spatial", name)):
        element = store[f"obsm/{name}"]
        values = np.asarray(read_elem(element)) if is_group(element) else element
        if len(values.shape) == 2 and values.shape[1] in (2, 3) and values.shape[0] == len(obs):
            _check_numeric(values, f"obsm/{name}")
            found[f"obsm/{name}"] = np.asarray(values[:], dtype=np.float64)[:, :2]
    return found | coordinates_of(obs)
