"""Which genes are hidden together (methods.md §8, Track Z)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backend.errors import GeneMismatch, UserError

FEWEST_SHARED = 10


@dataclass(frozen=True)
class GeneFold:
    """Genes to impute and genes to read, both sorted."""

    name: str
    inputs: tuple[str, ...]
    targets: tuple[str, ...]


def gene_folds(shared: tuple[str, ...], count: int = 5) -> tuple[GeneFold, ...]:
    """`KFold(count, shuffle=True, random_state=0)` over the sorted shared genes, as stDiff's and CASPER's scripts.

    Raises `GeneMismatch` below ten shared genes, `UserError` for a count of folds that they do not allow."""
    from sklearn.model_selection import KFold

    if len(shared) < FEWEST_SHARED:
        raise GeneMismatch(
            f"Tissue and reference share {len(shared)} gene{'' if len(shared) == 1 else 's'}; "
            f"at least {FEWEST_SHARED} are needed.",
            "Some are hidden to be imputed, and a method learns from the others.",
            "Bring a tissue with a larger panel, or check that both name their genes in the same way.",
        )
    if not 2 <= count <= len(shared) // 2:
        raise UserError(
            f"{len(shared)} genes cannot be hidden in {count} folds.",
            "Each fold hides at least two genes and leaves some to read.",
            f"Ask for 2 to {len(shared) // 2} folds.",
        )
    genes = np.array(sorted(shared), dtype=object)
    splits = KFold(count, shuffle=True, random_state=0).split(genes)
    return tuple(
        GeneFold(f"genes-{number}", tuple(genes[np.sort(read)]), tuple(genes[np.sort(hidden)]))
        for number, (read, hidden) in enumerate(splits, 1)
    )
