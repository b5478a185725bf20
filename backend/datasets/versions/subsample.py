"""Fewer cells of a reference, with each type as well served as can be: rare types stay whole."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray


def quotas(sizes: Mapping[str, int], most_cells: int) -> dict[str, int]:
    """How many cells of each type to keep, at most `most_cells` in all: the same level for all types, where a smaller
    type is kept whole and what it leaves goes to the others (water-filling)."""
    left, taken = most_cells, {}
    for place, name in enumerate(sorted(sizes, key=lambda name: (sizes[name], name))):
        taken[name] = min(sizes[name], left // (len(sizes) - place))
        left -= taken[name]
    return taken


def balanced(types: ArrayLike, most_cells: int, seed: int) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Which of n cells to keep, drawn at random within each type, and what was left out of each type in sentences."""
    names, codes = np.unique(np.asarray(types).astype(str), return_inverse=True)
    sizes = {str(name): int(size) for name, size in zip(names, np.bincount(codes))}
    mask = np.zeros(len(codes), dtype=bool)
    if len(codes) <= most_cells:
        return ~mask, ()
    rng = np.random.default_rng(seed)
    quota = quotas(sizes, most_cells)
    for code, name in enumerate(sizes):
        rows = np.flatnonzero(codes == code)
        mask[rng.permutation(rows)[: quota[name]]] = True
    whole = [name for name in sizes if quota[name] == sizes[name]]
    cut = sorted((name for name in sizes if quota[name] < sizes[name]), key=lambda name: -sizes[name])
    said = [f"{name}: {quota[name]:,} of {sizes[name]:,} kept, drawn at random (seed {seed})." for name in cut]
    if whole:
        said.append(f"Kept whole: {', '.join(whole)}.")
    return mask, tuple(said)
