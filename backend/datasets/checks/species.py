"""Human or mouse, told by the names of the genes."""

from __future__ import annotations

import pandas as pd

from backend.datasets.genes import ENSEMBL
from backend.records import Species

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
