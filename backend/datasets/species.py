"""Human or mouse, symbol or Ensembl: by GENCODE v44, which ships with celltypist and is read without importing it."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from backend.errors import DataError
from backend.records import Species

ENSEMBL = r"^ENS(MUS)?G\d{11}(\.\d+)?$"
_FEW = 0.6  # of the names must look alike for a guess to call itself sure


def guess(names: pd.Series, ensembl: pd.Series | None = None) -> tuple[Species, str]:
    """By Ensembl prefix, else by the case of the symbols (human TP53, mouse Trp53); the reason in words."""
    ids = names if ensembl is None else ensembl.dropna()
    ids = ids[ids.astype(str).str.match(ENSEMBL, case=False)]
    if len(ids):
        mouse = float(ids.str.upper().str.startswith("ENSMUSG").mean())
        return ("mouse", "Ids begin with ENSMUSG.") if mouse > 0.5 else ("human", "Ids begin with ENSG.")
    letters = names[names.str.contains(r"[A-Za-z]{2}", regex=True)]
    if not len(letters):
        return "human", "Nothing in the names tells; human is only assumed."
    upper = float((letters == letters.str.upper()).mean())
    title = float(letters.str.match(r"^[A-Z][a-z0-9\-.]*$").mean())
    example = ", ".join(letters[:3])
    if max(upper, title) < _FEW:
        found: Species = "human" if upper >= title else "mouse"
        return found, f"Only weakly: {upper:.0%} of the symbols are upper case (human), {title:.0%} like Trp53 (mouse)."
    if upper >= title:
        return "human", f"{upper:.0%} of the symbols are upper case: {example}."
    return "mouse", f"{title:.0%} of the symbols have one capital: {example}."


@lru_cache(maxsize=2)
def symbols(species: Species) -> dict[str, str]:
    """Ensembl id (without version) -> symbol. No package that we depend on ships the table of the mouse: it is empty."""
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
        f"The gene table {name} is missing.", "It ships with the package celltypist.", "Run `make setup`, or upload a table."
    )
