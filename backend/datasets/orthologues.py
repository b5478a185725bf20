"""Human and mouse genes that stand for each other, one to one: Ensembl 105 from celltypist, or an upload."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import pandas as pd

from backend.datasets.genes import table_path
from backend.errors import DataError
from backend.records import Species
from backend.store import layout
from backend.store.keys import digest

MOST_BYTES = 16 * 2**20
_TABLE = "Ensembl105_Human2Mouse_Genes.csv"


@lru_cache(maxsize=8)
def one_to_one(source: Species, target: Species, table: Path | None = None) -> dict[str, str]:
    """Symbol in `source` -> symbol in `target`. Genes with several partners on either side are left out: which of them
    is meant cannot be known."""
    pairs = _shipped() if table is None else read_table(table)
    for column in ("human", "mouse"):
        pairs = pairs[~pairs[column].duplicated(keep=False)]
    return dict(zip(pairs[source], pairs[target]))


def map_species(genes: Iterable[str], source: Species, target: Species, table: Path | None = None) -> dict[str, str]:
    """Those of `genes` that have one partner in the other species -> that partner. The same species: unchanged."""
    if source == target:
        return {gene: gene for gene in genes}
    partner = one_to_one(source, target, table)
    return {gene: partner[gene] for gene in genes if gene in partner}


def keep_table(path: Path) -> str:
    """Copy a user's table into the store, as pairs and nothing else; returns the name by which `kept` finds it. The
    same pairs have the same name. Raises DataError."""
    pairs = read_table(path).sort_values(["human", "mouse"])
    name = digest(pairs.to_numpy().tolist())
    layout.write_bytes(layout.orthologues_file(name), pairs.to_csv(index=False).encode())
    return name


def kept(name: str | None) -> Path | None:
    """Where a table lies that `keep_table` has named; None: the one that comes with a dependency."""
    return None if name is None else layout.orthologues_file(name)


def read_table(path: Path) -> pd.DataFrame:
    """A user's table, one pair per row, separated by commas or tabs: columns whose names contain "human" and
    "mouse", symbols before ids. Returns columns human and mouse. Raises DataError."""
    if path.stat().st_size > MOST_BYTES:
        why = f"It has {path.stat().st_size / 2**20:,.0f} MB; at most {MOST_BYTES // 2**20} MB are read."
        raise DataError(f"{path.name} is too large for a table of genes.", why, "Keep its two columns of symbols only.")
    try:
        with path.open(encoding="utf-8-sig") as file:
            tabs = "\t" in file.readline()
        found = pd.read_csv(path, sep="\t" if tabs else ",", dtype=str, encoding="utf-8-sig")
    except ValueError as error:
        raise DataError(f"{path.name} is not a table of genes.", str(error), "Save it as CSV with a header.") from error
    chosen = {species: _column(found, species) for species in ("human", "mouse")}
    lacking = [species for species, column in chosen.items() if column is None]
    if len(lacking) == 1:  # Ensembl's BioMart names the other species only
        chosen[lacking[0]] = next((name for name in map(str, found) if name.lower() == "gene name"), None)
    if None in chosen.values():
        raise DataError(
            f"{path.name} has no column for {' and '.join(lacking)}.",
            f"Its columns: {', '.join(map(str, found.columns[:10]))}.",
            "Name the columns of symbols `human` and `mouse`.",
        )
    pairs = _known(pd.DataFrame({species: found[column].str.strip() for species, column in chosen.items()}))
    if pairs.empty:
        raise DataError(f"{path.name} holds no pair of genes.", mend="Choose a table with one pair in each row.")
    return pairs


def _column(table: pd.DataFrame, species: str) -> str | None:
    fits = [str(column) for column in table if species in str(column).lower()]
    ids = ("id", "ensembl", "entrez")
    named = [column for column in fits if not any(word in column.lower() for word in ids)]
    return next(iter(named or fits), None)


def _shipped() -> pd.DataFrame:
    return _known(pd.read_csv(table_path(_TABLE), header=None, names=["human", "mouse"], dtype=str))


def _known(pairs: pd.DataFrame) -> pd.DataFrame:
    return pairs.replace("", pd.NA).dropna().drop_duplicates()
