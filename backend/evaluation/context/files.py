"""A tissue and, if there is one, a reference, straight from files, over the genes that an evaluation reads.

The doctor is shown the tissue as for imputation (genes/bench/files.py): which genes there are is told by their names
alone, and no column of the cells is read that nobody named.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from backend.errors import GeneMismatch
from backend.evaluation.genes.bench.files import open_reference, open_tissue
from backend.methods.contract import Cells
from backend.records import Answers, Finding

FEWEST_GENES = 5


@dataclass(frozen=True)
class Opened:
    """tissue, reference: over the shared genes, sorted (all of the tissue's without a reference). panel: the genes
    whose context is asked for, sorted."""

    tissue: Cells
    reference: Cells | None
    panel: tuple[str, ...]
    spots: bool
    warnings: tuple[str, ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        return self.tissue.genes


@dataclass(frozen=True)
class Source:
    """What is read. answers: about the tissue. first: only that many of its cells."""

    tissue: Path
    reference: Path | None
    answers: Answers = field(default_factory=Answers)
    first: int | None = None


def open_source(source: Source, panel: int, seed: int, max_mb: int) -> Opened:
    """Raises `DataError` for files that cannot be used, `GeneMismatch` below five genes."""
    file = open_tissue(source.tissue, max_mb, source.answers, source.first)
    reference, said = open_reference(source.reference, max_mb, file) if source.reference else (None, ())
    shared = tuple(sorted(set(file.names) & set(reference.genes if reference else file.names)))
    chosen = choose_panel(shared, panel, seed)
    opened = file.open(shared)
    tissue = opened.cells.of_genes(shared)
    seen = np.diff(tissue.expression.indptr) > 0
    warnings = [*_words(opened.said, ""), *_words(said, "Reference: ")]
    if not seen.all():
        warnings.append(f"{int((~seen).sum()):,} tissue cells without a count of the genes read are left out.")
    if panel > len(shared):
        warnings.append(f"A panel of {panel} genes was asked for; there are {len(shared)}, and all are taken.")
    loose = reference.of_genes(shared) if reference else None
    return Opened(tissue.of_rows(seen), loose, chosen, opened.spots, tuple(warnings))


def choose_panel(shared: tuple[str, ...], size: int, seed: int) -> tuple[str, ...]:
    """The first `size` of `default_rng(seed).permutation(shared)`, sorted. Raises `GeneMismatch` below five genes."""
    fewest = min(len(shared), size)
    if fewest < FEWEST_GENES:
        raise GeneMismatch(
            f"A context over {fewest} gene{'' if fewest == 1 else 's'} says next to nothing.",
            f"There are {len(shared)} genes to choose from and {size} were asked for; "
            f"at least {FEWEST_GENES} are needed.",
            "Ask for a larger panel, or check that tissue and reference name their genes in the same way.",
        )
    drawn = np.random.default_rng(seed).permutation(np.array(sorted(shared), dtype=object))
    return tuple(sorted(map(str, drawn[:size])))


def _words(findings: tuple[Finding, ...], start: str) -> list[str]:
    return [f"{start}{f.what} {f.why}".strip() for f in findings if f.grade in ("mended", "noted")]
