"""The last line: while a stranger's file is read, this process cannot take much more memory than the file may need.

Headers can be checked; what a compressed block, or a million references to one long text, will unpack to cannot.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.datasets.safety.limits import MB

_COPIES = 4  # as read, as float32, with wide indices, joined
_LIBRARIES = 2048 * MB  # what imports and the stacks of threads reserve
_STATM = Path("/proc/self/statm")


@contextmanager
def limited_memory(max_mb: int) -> Iterator[None]:
    """Inside, an allocation far above `max_mb` raises `MemoryError`. No effect where Linux's /proc is missing.

    The limit holds for the whole process, so this belongs into a job's own process."""
    if not _STATM.is_file():
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    in_use = int(_STATM.read_text().split()[0]) * resource.getpagesize()
    limits = [value for value in (soft, hard) if value != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([in_use + _COPIES * max_mb * MB + _LIBRARIES, *limits]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
