"""Open an HDF5 file only after a walk over all its links, none of them followed out of the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from backend.datasets.safety.limits import MB, TEXT_BYTES, check_size, declared_bytes
from backend.errors import DataError

_MOST_LINKS = 200_000
_DEEPEST = 24  # a loop of hard links ends here too
_LARGEST_ATTRIBUTE = 64 * MB
_NEVER_READ = ("uns", "obsp", "varm", "varp")  # their sizes do not add up, as they stay on the disk
_AGAIN = "Write the file again with AnnData (`adata.write_h5ad(...)`) or take the original of your instrument."


@contextmanager
def open_hdf5(path: Path, max_mb: int) -> Iterator[h5py.File]:
    """The file, open for reading and walked. Raises `DataError` for whatever is not plain data of a fair size, and
    turns what the HDF5 library says about a damaged file into one, too."""
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise _damaged(path, error) from error
    with file:
        try:
            _Walk(max_mb).group(file, depth=0)
        except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
            raise _damaged(path, error) from error
        yield file


def _damaged(path: Path, error: Exception) -> DataError:
    why = "It is cut off or damaged." if "truncated" in str(error) else f"The HDF5 library says: {error}."
    return DataError(f"{path.name} cannot be opened as an HDF5 file.", why, "Copy or download the file once more.")


class _Walk:
    """Counts links and bytes. Each path is visited, so what is linked twice counts twice, as it would when read."""

    def __init__(self, max_mb: int) -> None:
        self.max_mb, self.links, self.bytes = max_mb, 0, 0

    def group(self, group: h5py.Group, depth: int) -> None:
        self._attributes(group)
        if depth > _DEEPEST:
            raise DataError(f"The groups of this file are nested more than {_DEEPEST} deep.", "It may loop.", _AGAIN)
        for name in group:
            self.links += 1
            if self.links > _MOST_LINKS:
                raise DataError("This file has too many entries.", f"More than {_MOST_LINKS:,} links.", _AGAIN)
            _check_link(group, name)
            child = group[name]
            if isinstance(child, h5py.Group):
                self.group(child, depth + 1)
            elif isinstance(child, h5py.Dataset):
                self._attributes(child)
                self._dataset(child)

    def _dataset(self, dataset: h5py.Dataset) -> None:
        _check_storage(dataset)
        size = declared_bytes(dataset.shape or (), _item_bytes(dataset))
        check_size(size, self.max_mb, f"{dataset.name} (declared as {_shape(dataset.shape)})")
        if dataset.chunks:
            chunk = declared_bytes(dataset.chunks, _item_bytes(dataset))
            check_size(chunk, self.max_mb, f"One block of {dataset.name}")
        if dataset.name.split("/")[1] not in _NEVER_READ:
            self.bytes += size
            check_size(self.bytes, self.max_mb, "The whole file")

    def _attributes(self, thing: h5py.Group | h5py.Dataset) -> None:
        for name in thing.attrs:
            attribute = thing.attrs.get_id(name)
            size = declared_bytes(attribute.shape or (), attribute.dtype.itemsize)
            if size > _LARGEST_ATTRIBUTE:
                raise DataError(f"The attribute {name!r} of {thing.name} is too large.", f"{size:,} bytes.", _AGAIN)


def _shape(shape: tuple[int, ...] | None) -> str:
    return " x ".join(f"{size:,}" for size in shape or ()) or "one value"


def _item_bytes(dataset: h5py.Dataset) -> int:
    return TEXT_BYTES if dataset.dtype.kind == "O" else dataset.dtype.itemsize


def _check_link(group: h5py.Group, name: str) -> None:
    kind = group.id.links.get_info(name.encode("utf-8", "surrogateescape")).type
    if kind == h5py.h5l.TYPE_HARD:
        return
    words = "a link into another file" if kind == h5py.h5l.TYPE_EXTERNAL else "a symbolic link"
    raise DataError(
        f"This file contains {words} ({group.name.rstrip('/')}/{name}).",
        "Only data that lies in the file itself is read.",
        _AGAIN,
    )


def _check_storage(dataset: h5py.Dataset) -> None:
    plan = dataset.id.get_create_plist()
    if plan.get_layout() == h5py.h5d.VIRTUAL:
        raise DataError(
            f"{dataset.name} is a virtual dataset.", "Its values would be taken from other places, even files.", _AGAIN
        )
    if plan.get_layout() == h5py.h5d.CONTIGUOUS and plan.get_external_count() > 0:
        raise DataError(f"{dataset.name} keeps its values in another file.", "Only this file is read.", _AGAIN)
    for position in range(plan.get_nfilters()):
        code, _, _, name = plan.get_filter(position)
        if not h5py.h5z.filter_avail(code):
            raise DataError(
                f"{dataset.name} is compressed in a way that is not known here.",
                f"The HDF5 filter {code} ({name.decode(errors='replace')}) is not installed.",
                "Write the file again with `adata.write_h5ad(..., compression='gzip')`.",
            )
