"""Where tensors live, and what makes a computation repeatable."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def choose_device(wanted: str) -> str:
    """`auto`: the GPU if torch sees one. `cuda` where there is none falls back to the CPU."""
    import torch

    return "cuda" if wanted in ("auto", "cuda") and torch.cuda.is_available() else "cpu"


@contextlib.contextmanager
def repeatable(seed: int, threads: int) -> Iterator[None]:
    """Fixed seed, thread count and algorithms inside the block; torch's global state is put back afterwards.

    On a CPU equal seeds and thread counts then give bit-identical results. On a GPU some kernels have no
    deterministic form: torch warns instead of failing, and results agree within rounding.
    """
    import torch

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            yield
        finally:
            torch.set_num_threads(before)
            torch.use_deterministic_algorithms(strict)


def to_cpu(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Detached, contiguous copies in main memory: what a file may hold."""
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
