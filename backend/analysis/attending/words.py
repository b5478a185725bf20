"""What a test of attention amounts to, in sentences."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SIGNIFICANT = 0.05
NO_MATTER, MATTER = 1.1, 1.5  # ratios: below the first nobody would act on it, however sure it is


def matters(row: pd.Series) -> Literal["yes", "little", "no"]:
    """Whether deleting attended genes moves predictions further than deleting others, and by an amount that counts."""
    if row["p"] >= SIGNIFICANT or row["ratio"] < NO_MATTER:
        return "no"
    return "yes" if row["ratio"] >= MATTER else "little"


ENDS = {
    "yes": "This model's predictions do hang on what it looks at.",
    "little": "This model's predictions hang somewhat more on what it looks at than on other genes.",
    "no": "Attention does not show what this model's predictions hang on.",
}


def deletion_words(row: pd.Series, k: int) -> str:
    """row: n, attended, random, ratio and p of all cells at `k` deleted genes."""
    told = f"Deleting the {k} genes that a cell's summary looks at most moves its prediction {row['ratio']:.2f} × "
    told += f"as far as deleting {k} others of equal detection ({row['n']:,.0f} cells, p {_p(row['p'])}). "
    return told + ENDS[matters(row)]


def rank_words(attended: NDArray[np.floating], first: NDArray[np.floating], k: int) -> str:
    """Whether attention tells more than rank. Changes per cell by deleting the attended and the first genes."""
    from scipy.stats import wilcoxon

    difference = attended - first
    p = float(wilcoxon(difference).pvalue) if np.any(difference != 0) else 1.0
    middle = f"Deleting the {k} first-ranked genes moves it {first.mean():.2f}, "
    middle += f"the {k} most attended {attended.mean():.2f}"
    if p >= SIGNIFICANT:
        return f"{middle}: attention is no better guide than rank (p {_p(p)})."
    better = "a better" if attended.mean() > first.mean() else "a poorer"
    return f"{middle}: attention is {better} guide than rank (p {_p(p)})."


def null_words(genes: pd.DataFrame) -> str:
    """genes: the null's rows of all cells."""
    sure = genes[genes["p"] < SIGNIFICANT].nlargest(len(genes), "z")
    told = f"{len(sure):,} of {len(genes):,} genes are looked at more than genes of like rank in the same cells"
    return (
        f"{told} (surest: {', '.join(sure['gene'].head(3))})."
        if len(sure)
        else f"{told}: attention follows rank alone."
    )


def headline(table: pd.DataFrame, cells: int) -> int:
    """How many deleted genes to speak of: the most, up to 8, that were tried in at least half of the cells."""
    tried = table.loc[(table["k"] <= 8) & (table["n"] >= cells / 2), "k"]
    return int(tried.max()) if len(tried) else int(table["k"].min())


def spread_words(spread: float, read: float) -> str:
    """spread: genes that share a cell's attention, of those that it was read by."""
    told = f"A cell's attention is shared among some {spread:.0f} of the {read:.0f} genes that it was read by"
    return f"{told}: the model hardly chooses." if spread > 0.8 * read else f"{told}."


def facts_of(
    genes: pd.DataFrame, groups: pd.DataFrame, changes: pd.DataFrame, parts: pd.DataFrame, read: NDArray[np.integer]
) -> dict[str, Any]:
    """`k` (the headline), `matters`, `verdict` (sentences), ratio and p. Tables as the job writes them; read: genes per
    cell."""
    everyone, cells = groups[groups["by"] == "all"], len(read)
    spread = float(parts.loc[(parts["layer"] == parts["layer"].max()) & (parts["head"] < 0), "spread"].iloc[0])
    said = [null_words(genes[genes["by"] == "all"]), spread_words(spread, float(read.mean()))]
    if everyone.empty:
        few = "Too few cells were read by enough genes to delete some of them."
        return {"k": None, "matters": "no", "verdict": [few, *said]}
    k = headline(everyone, cells)
    row = everyone[everyone["k"] == k].iloc[0]
    at_k = changes[changes["k"] == k].dropna()
    said = [deletion_words(row, k), rank_words(at_k["attended"].to_numpy(), at_k["first"].to_numpy(), k), *said]
    return {"k": k, "matters": matters(row), "ratio": float(row["ratio"]), "p": float(row["p"]), "verdict": said}


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"
