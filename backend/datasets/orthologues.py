"""Human and mouse genes that stand for each other, one to one: Ensembl 105 from celltypist, or an upload."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import pandas as pd

from backend.datasets.genes import table_path
from backend.errors import DataError
from backend.records import Species

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


def read_table(path: Path) -> pd.DataFrame:
    """An uploaded table, one pair per row, separated by commas or tabs: columns whose names contain "human" and
    "mouse", symbols before ids. Returns columns human and mouse. Raises DataError."""
    try:
        found = pd.read_csv(path, sep=None, engine="python", dtype=str)
    except (ValueError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} is not a table of genes.", str(error), "Save it as CSV with a header.") from error
    chosen = {species: _column(found, species) for species in ("human", "mouse")}
    lacking = [species for species, column in chosen.items() if column is None]
    if lacking:
        raise DataError(
            f"{path.name} has no column for {' and '.join(lacking)}.",
            f"Its columns: {', '.join(map(str, found.columns[:10]))}.",
            "Name the columns of symbols `human` and `mouse`.",
        )
    pairs = pd.DataFrame({species: found[column].str.strip() for species, column in chosen.items()})
    return _known(pairs)


def _column(table: pd.DataFrame, species: str) -> str | None:
    fits = [str(column) for column in table if species in str(column).lower()]
    ids = ("id", "ensembl", "entrez")
    named = [column for column in fits if not any(word in column.lower() for word in ids)]
    return next(iter(named or fits), None)


def _shipped() -> pd.DataFrame:
    return _known(pd.read_csv(table_path(_TABLE), header=None, names=["human", "mouse"], dtype=str))


def _known(pairs: pd.DataFrame) -> pd.DataFrame:
    return pairs.replace("", pd.NA).dropna().drop_duplicates()
