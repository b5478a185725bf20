"""Human and mouse genes that stand for each other, one to one (Ensembl 105, from celltypist's package data)."""

from __future__ import annotations

from functools import lru_cache

import pandas as pd

from backend.datasets.species import table_path
from backend.records import Species


@lru_cache(maxsize=2)
def one_to_one(source: Species, target: Species) -> dict[str, str]:
    """Symbol in `source` -> symbol in `target`. Genes with several partners on either side are left out: which of them
    is meant cannot be known."""
    path = table_path("Ensembl105_Human2Mouse_Genes.csv")
    pairs = pd.read_csv(path, header=None, names=["human", "mouse"], dtype=str).dropna().drop_duplicates()
    for column in ("human", "mouse"):
        pairs = pairs[~pairs[column].duplicated(keep=False)]
    return dict(zip(pairs[source], pairs[target]))
