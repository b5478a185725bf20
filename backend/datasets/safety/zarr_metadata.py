"""Look through the metadata of a zarr store (formats 2 and 3) before it is opened: codecs and declared sizes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from backend.datasets.safety.limits import MB, TEXT_BYTES, check_size, declared_bytes
from backend.errors import DataError

_FILES = ("zarr.json", ".zarray", ".zgroup", ".zattrs", ".zmetadata")
_LARGEST_FILE = 64 * MB
_NEVER_READ = {"uns", "obsp", "varm", "varp"}
# Plain arrays and texts only. Not among them on purpose: pickle, and what makes any Python object (json2, msgpack2).
_CODECS = {
    *("bytes", "gzip", "zstd", "blosc", "transpose", "crc32c", "sharding_indexed", "vlen-utf8", "vlen-bytes"),
    *("zlib", "lz4", "lzma", "bz2", "shuffle", "delta", "fixedscaleoffset", "packbits", "quantize", "bitround"),
    *("crc32", "adler32", "fletcher32"),
}
_AGAIN = "Write the store again with AnnData or SpatialData (`write_zarr`) and zip it."


def check_zarr(root: Path, max_mb: int) -> None:
    """Raise `DataError` for unknown codecs (pickle above all), references to other stores, sizes above `max_mb`."""
    total = 0
    for path in sorted(root.rglob("*")):
        if path.name not in _FILES:
            continue
        check_size(path.stat().st_size, _LARGEST_FILE // MB, f"The metadata file {path.name}")
        try:
            content = json.loads(path.read_bytes())
            arrays = list(_arrays(content))
        except (ValueError, RecursionError) as error:
            where = path.relative_to(root)
            raise DataError(f"{where} in this zarr store cannot be read.", f"{error}", _AGAIN) from error
        place = path.relative_to(root).parent.as_posix()
        for array in arrays:
            size = _check_array(array, place, max_mb)
            if path.name in ("zarr.json", ".zarray") and not _NEVER_READ & set(place.split("/")):
                total += size if array is content else 0  # copies of the metadata do not count again
    check_size(total, max_mb, "The whole zarr store")


def _arrays(node: Any) -> Iterator[dict[str, Any]]:
    """Each array that is declared anywhere in the JSON, consolidated copies included."""
    if isinstance(node, dict):
        if "shape" in node and ("dtype" in node or "data_type" in node):
            yield node
        for child in node.values():
            yield from _arrays(child)
    elif isinstance(node, list):
        for child in node:
            yield from _arrays(child)


def _check_array(array: dict[str, Any], place: str, max_mb: int) -> int:
    codecs = [array.get("compressor"), *(array.get("filters") or []), *(array.get("codecs") or [])]
    for name in _codec_names(codecs):
        if name.removeprefix("numcodecs.") not in _CODECS:
            pickle = " Pickled data can run any program." if "pickle" in name else ""
            raise DataError(
                f"This zarr store is written with the codec {name!r} ({place}).",
                f"Only codecs for plain numbers and texts are read.{pickle}",
                _AGAIN,
            )
    if array.get("storage_transformers"):
        raise DataError(f"{place} takes its values from another store.", "Only this store is read.", _AGAIN)
    try:
        item = _item_bytes(array.get("dtype", array.get("data_type")))
        grid = array.get("chunk_grid") or {}
        chunk = array.get("chunks") or (grid.get("configuration") or {}).get("chunk_shape") or ()
        size, chunk_size = declared_bytes(array["shape"], item), declared_bytes(chunk, item)
    except (TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{place} in this zarr store is not a plain array.", f"{error}", _AGAIN) from error
    shape = " x ".join(f"{size:,}" for size in array["shape"])
    check_size(size, max_mb, f"{place} (declared as {shape})")
    check_size(chunk_size, max_mb, f"One block of {place}")
    return size


def _codec_names(codecs: list[Any]) -> Iterator[str]:
    for codec in filter(None, codecs):
        if isinstance(codec, str):
            yield codec
            continue
        yield str(codec.get("id") or codec.get("name"))
        configuration = codec.get("configuration") or {}
        yield from _codec_names([*configuration.get("codecs", ()), *configuration.get("index_codecs", ())])


def _item_bytes(dtype: Any) -> int:
    if isinstance(dtype, dict):  # {"name": "fixed_length_utf32", "configuration": {"length_bytes": 40}}
        return int((dtype.get("configuration") or {}).get("length_bytes", TEXT_BYTES))
    if not isinstance(dtype, str):
        raise TypeError("Its values are records, not numbers or texts.")
    if dtype == "|O" or dtype in ("string", "bytes", "variable_length_bytes"):
        return TEXT_BYTES
    raw_bits = re.fullmatch(r"r(\d+)", dtype)
    return int(raw_bits[1]) // 8 if raw_bits else np.dtype(dtype).itemsize
