"""Files and gzip streams that stop before they fill the memory."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import IO, Any, cast

from backend.datasets.safety.limits import MB, check_size
from backend.errors import DataError

GZIP = b"\x1f\x8b"
MOST_RATIO = 100  # unpacked to packed
_SMALL = 64 * 1024  # below it, a ratio says nothing
_LARGEST_READ = 64 * MB


def check_ratio(unpacked: int, packed: int, name: str) -> None:
    """Raise `DataError` for what unpacks to more than a hundred times its size."""
    if unpacked > MOST_RATIO * max(1, packed):
        raise DataError(
            f"{name} unpacks to more than {MOST_RATIO} times its size.",
            "Measured counts never do; files made to fill a disk do.",
            "Pack the data again, or upload it unpacked.",
        )


class Bounded(io.RawIOBase):
    """A stream that counts what passes and raises `DataError` at the limits."""

    def __init__(self, source: IO[bytes], packed: int, max_mb: int, name: str) -> None:
        self._source, self._packed, self._max_mb, self._name = source, packed, max_mb, name
        self._passed = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes | None:
        # A header may ask for any number of bytes at once: refused before a buffer is made for them.
        check_size(size if size > _LARGEST_READ else 0, _LARGEST_READ // MB, f"One piece of {self._name}")
        return super().read(size)

    def readinto(self, buffer: Any) -> int:
        data = self._source.read(len(buffer))
        buffer[: len(data)] = data
        self._passed += len(data)
        check_size(self._passed, self._max_mb, self._name)
        if self._passed > _SMALL:
            check_ratio(self._passed, self._packed, self._name)
        return len(data)

    def tell(self) -> int:
        return self._passed

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        """Forward only, by reading: enough for tarfile, which goes through an archive once."""
        if whence != io.SEEK_SET or position < self._passed:
            raise io.UnsupportedOperation("This stream goes forward only.")
        while self._passed < position and self.read(min(MB, position - self._passed)):
            pass
        return self._passed

    def close(self) -> None:
        self._source.close()
        super().close()


def open_raw(path: Path, max_mb: int) -> Bounded:
    """The bytes of a file, unpacked if it is gzip, counted."""
    with path.open("rb") as file:
        packed = file.read(2) == GZIP
    source: Any = gzip.open(path, "rb") if packed else path.open("rb")  # noqa: SIM115  (closed by Bounded)
    return Bounded(source, path.stat().st_size, max_mb, path.name)


def open_bytes(path: Path, max_mb: int) -> io.BufferedReader:
    return io.BufferedReader(cast(io.RawIOBase, open_raw(path, max_mb)), buffer_size=MB)


def first_bytes(path: Path, size: int) -> bytes:
    """The beginning of a file, unpacked if it is gzip; shorter if the file is, or if its gzip stream is broken."""
    try:
        with open_bytes(path, max_mb=1 + size // MB) as stream:
            return stream.read(size)
    except (OSError, EOFError):
        return b""
