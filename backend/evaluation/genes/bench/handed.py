"""A view and a prediction as files: all that passes between the harness and a method's own process.

Numpy archives without pickle. A method's process is handed views and nothing else, so that what is hidden is not even
in its memory.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.methods.contract import Cells
from backend.methods.imputation import FoldView, Imputed, Known

REFERENCE = "reference.npz"


def write_cells(path: Path, cells: Cells, **more: NDArray[Any]) -> None:
    arrays = _sparse("expression", cells.expression) | {"genes": _text(cells.genes), "scale": np.array(cells.scale)}
    for name in ("coordinates", "section"):
        if getattr(cells, name) is not None:
            arrays[name] = getattr(cells, name)
    np.savez(path, allow_pickle=False, **arrays, **more)


def write_view(path: Path, view: FoldView) -> None:
    """The view without its reference, which all folds share: that is written once, by `write_cells`."""
    more = {"targets": _text(view.target_genes)}
    if view.known is not None:
        more |= {"known_rows": view.known.rows} | _sparse("known", view.known.expression)
    write_cells(path, view.tissue, **more)


def read_cells(path: Path) -> Cells:
    with np.load(path, allow_pickle=False) as file:
        return _cells(file)


def read_view(path: Path, reference: Cells) -> FoldView:
    with np.load(path, allow_pickle=False) as file:
        known = Known(file["known_rows"], _matrix("known", file)) if "known_rows" in file else None
        return FoldView(_cells(file), reference, _names(file["targets"]), known)


def write_imputed(path: Path, imputed: Imputed) -> None:
    more = {} if imputed.doubt is None else {"doubt": imputed.doubt}
    arrays = {"values": imputed.values, "genes": _text(imputed.genes), "units": np.array(imputed.units)}
    np.savez(path, allow_pickle=False, **arrays, **more)


def read_imputed(path: Path) -> Imputed:
    with np.load(path, allow_pickle=False) as file:
        doubt = file.get("doubt")
        units: Any = str(file["units"])
        return Imputed(file["values"], _names(file["genes"]), doubt, units)


def _cells(file: Any) -> Cells:
    scale: Any = str(file["scale"])
    coordinates, section = (file.get(name) for name in ("coordinates", "section"))
    return Cells(_matrix("expression", file), _names(file["genes"]), scale, coordinates, section)


def _sparse(name: str, values: csr_matrix) -> dict[str, NDArray[Any]]:
    parts = {part: getattr(values, part) for part in ("data", "indices", "indptr")}
    return {f"{name}_{part}": array for part, array in parts.items()} | {f"{name}_shape": np.array(values.shape)}


def _matrix(name: str, file: Any) -> csr_matrix:
    parts = tuple(file[f"{name}_{part}"] for part in ("data", "indices", "indptr"))
    return csr_matrix(parts, shape=tuple(file[f"{name}_shape"]))


def _text(names: tuple[str, ...]) -> NDArray[np.str_]:
    return np.array(names, dtype=str)


def _names(array: NDArray[np.str_]) -> tuple[str, ...]:
    return tuple(str(name) for name in array)
