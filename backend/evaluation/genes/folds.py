"""Which genes are hidden together (methods.md §8, Track Z)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class GeneFold:
    """Genes to impute and genes to read, both sorted."""

    name: str
    inputs: tuple[str, ...]
    targets: tuple[str, ...]


def gene_folds(shared: tuple[str, ...], count: int = 5) -> tuple[GeneFold, ...]:
    """`KFold(count, shuffle=True, random_state=0)` over the sorted shared genes, as stDiff's and CASPER's scripts."""
    from sklearn.model_selection import KFold

    genes = np.array(sorted(shared), dtype=object)
    splits = KFold(count, shuffle=True, random_state=0).split(genes)
    return tuple(
        GeneFold(f"genes-{number}", tuple(genes[np.sort(read)]), tuple(genes[np.sort(hidden)]))
        for number, (read, hidden) in enumerate(splits, 1)
    )
