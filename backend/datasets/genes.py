"""Names of genes: symbols and Ensembl ids (GENCODE v44, which ships with celltypist and is read without importing it),
and bringing cells to a model's genes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from backend.errors import DataError, GeneMismatch
from backend.methods.contract import Cells
from backend.records import Species

ENSEMBL = r"^ENS(MUS)?G\d{11}(\.\d+)?$"

FEWEST_GENES = 10  # of a model's genes (all, if it has fewer)
FEWEST_SHARE = 0.5  # of a model's genes: below, most of its input would be zeros it never saw in training


def shared(ours: Iterable[str], theirs: Iterable[str]) -> tuple[str, ...]:
    """Genes in both, as `ours` spells them, sorted."""
    other = set(theirs)
    folded = {name.casefold() for name in other}
    return tuple(sorted({name for name in ours if name in other or name.casefold() in folded}))


def align(cells: Cells, genes: Sequence[str]) -> tuple[Cells, tuple[str, ...]]:
    """The same cells over exactly `genes`, in order, and the genes that they lack: columns of zeros.

    Raises GeneMismatch if fewer than half of `genes`, or fewer than ten, are there.
    """
    exact = {name: i for i, name in enumerate(cells.genes)}
    folded = {name.casefold(): i for i, name in reversed(list(enumerate(cells.genes)))}
    place = [exact.get(name, folded.get(name.casefold(), -1)) for name in genes]
    missing = tuple(name for name, i in zip(genes, place) if i < 0)
    found = len(genes) - len(missing)
    if found < FEWEST_SHARE * len(genes) or found < min(FEWEST_GENES, len(genes)):
        raise GeneMismatch(
            f"Only {found:,} of the model's {len(genes):,} genes are in this data set.",
            f"It needs at least {FEWEST_SHARE:.0%} of them. Missing are, for example: {', '.join(missing[:8])}.",
            "Check species and kind of gene names (symbol or Ensembl), or choose a model trained on this panel.",
        )
    columns = [(i, j) for j, i in enumerate(place) if i >= 0]
    rows, targets = np.array(columns, dtype=np.int64).reshape(-1, 2).T
    gather = csr_matrix((np.ones(len(rows), np.float32), (rows, targets)), shape=(len(cells.genes), len(genes)))
    expression = csr_matrix(cells.expression @ gather, dtype=np.float32)
    expression.sort_indices()
    return replace(cells, expression=expression, genes=tuple(genes)), missing


@lru_cache(maxsize=2)
def symbols(species: Species) -> dict[str, str]:
    """Ensembl id (without version) -> symbol. No package here ships such a table of the mouse: it is empty."""
    if species == "mouse":
        return {}
    table = pd.read_csv(table_path("GENCODEv44_Gene_id2name.csv"), header=None, names=["id", "symbol"], dtype=str)
    table = table.dropna().drop_duplicates("id")
    return dict(zip(table["id"], table["symbol"]))


@lru_cache(maxsize=2)
def ensembl_ids(species: Species) -> dict[str, str]:
    """Symbol -> Ensembl id, for symbols that name one id only."""
    table = pd.Series(symbols(species), dtype=object)
    once = table[~table.duplicated(keep=False)]
    return {symbol: ensembl for ensembl, symbol in once.items()}  # type: ignore[misc]


def table_path(name: str) -> Path:
    """A table of celltypist's package data. Importing celltypist itself would take seconds."""
    found = find_spec("celltypist")
    for folder in (found.submodule_search_locations or []) if found else []:
        path = Path(folder) / "data" / "samples" / name
        if path.exists():
            return path
    raise DataError(
        f"The gene table {name} is missing.", "It ships with the package celltypist.", "Run `make setup` again."
    )
