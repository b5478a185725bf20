"""How much a file may hold once it is unpacked."""

from __future__ import annotations

import math
from collections.abc import Iterable

from backend.errors import DataError

MB = 1024 * 1024
TEXT_BYTES = 16  # what one text of unknown length is counted as


def declared_bytes(shape: Iterable[int], item_bytes: int) -> int:
    """Python integers do not overflow, so 10^12 x 10^12 is simply refused."""
    return math.prod(int(size) for size in shape) * max(1, item_bytes)


def check_size(size: int, max_mb: int, what: str) -> None:
    """Raise `DataError` if `size` bytes are more than `max_mb` allows."""
    if size > max_mb * MB:
        raise DataError(
            f"{what} would take {size / MB:,.0f} MB once it is read.",
            f"At most {max_mb:,} MB are read, so that one file cannot fill this machine's memory.",
            "Make the file smaller (fewer cells, no images, no extra layers), or raise RESITU_MAX_UPLOAD_MB.",
        )
