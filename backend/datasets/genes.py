"""Names of genes: symbols and Ensembl ids of GENCODE v44, which ships with celltypist and is read without it."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from backend.errors import DataError
from backend.records import Species

ENSEMBL = r"^ENS(MUS)?G\d{11}(\.\d+)?$"


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
