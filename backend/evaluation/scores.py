"""Per-gene scores of predicted contexts, what they amount to, and a verdict in words (methods.md §6).

A prediction is compared with the context measured from coordinates, with and without the cell itself in it. With it
(`self_loop`), copying the cell's own expression looks like prediction; the honest number is the one without.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.analysis.agreement import is_flat, pearson, spearman
from backend.analysis.context import context_graph, has_neighbours, spatial_context
from backend.methods.contract import Cells, Floats

COLUMNS = (
    "gene", "method", "fold", "self_loop", "pcc", "srcc", "n_cells", "constant", "context_sd", "detection", "moran",
)  # fmt: skip
SIGNIFICANT = 0.05


def score_genes(
    truth: Floats, prediction: Floats, detection: NDArray[np.floating], genes: tuple[str, ...]
) -> pd.DataFrame:
    """One row per gene. pcc and srcc are NaN where the truth does not vary, 0 where the prediction does not
    (`constant`). detection: share of the scored cells that express the gene; context_sd: of the truth."""
    return pd.DataFrame(
        {
            "gene": genes,
            "pcc": pearson(truth, prediction),
            "srcc": spearman(truth, prediction),
            "n_cells": len(truth),
            "constant": is_flat(prediction),
            "context_sd": truth.std(axis=0, dtype=np.float64),
            "detection": np.asarray(detection, dtype=np.float64),
        }
    )


def combine_folds(by_fold: pd.DataFrame, name: str) -> pd.DataFrame:
    """Mean over folds of each gene's scores, where it has one; cells add up; constant in any fold is said."""
    grouped = by_fold.groupby(["gene", "method", "self_loop"], sort=False, as_index=False)
    combined = grouped.agg(
        pcc=("pcc", "mean"), srcc=("srcc", "mean"), n_cells=("n_cells", "sum"), constant=("constant", "any"),
        context_sd=("context_sd", "mean"), detection=("detection", "mean"), moran=("moran", "mean"),
    )  # fmt: skip
    return combined.assign(fold=name)[list(COLUMNS)]


def medians(scores: pd.DataFrame) -> list[dict[str, Any]]:
    """Per method and self_loop: median, quartiles, best gene, and how many genes were left out or constant."""
    return [
        _median_row(str(method), bool(loop), rows)
        for (method, loop), rows in scores.groupby(["method", "self_loop"], sort=False)
    ]


def _median_row(method: str, self_loop: bool, rows: pd.DataFrame) -> dict[str, Any]:
    scored = rows[rows.pcc.notna()]
    row: dict[str, Any] = {
        "method": method, "self_loop": self_loop, "genes": len(scored), "excluded": len(rows) - len(scored),
        "constant": int(scored.constant.sum()), "pcc": None, "pcc_low": None, "pcc_high": None, "srcc": None,
        "best_gene": None, "best_pcc": None,
    }  # fmt: skip
    if len(scored):
        low, middle, high = (float(value) for value in scored.pcc.quantile([0.25, 0.5, 0.75]))
        best = scored.iloc[int(scored.pcc.to_numpy().argmax())]
        row |= {"pcc": middle, "pcc_low": low, "pcc_high": high, "srcc": float(scored.srcc.median())}
        row |= {"best_gene": str(best.gene), "best_pcc": float(best.pcc)}
    return row


def compare(scores: pd.DataFrame, model: str) -> list[dict[str, Any]]:
    """The model against each other method, self-loop removed: paired Wilcoxon over genes, Benjamini-Hochberg over the
    comparators. `better`: "model", "comparator" or "neither"."""
    from scipy.stats import false_discovery_control, wilcoxon

    table = scores[~scores.self_loop].pivot(index="gene", columns="method", values="pcc").dropna()
    rows: list[dict[str, Any]] = []
    if table.empty or model not in table:
        return rows
    for method in [name for name in table.columns if name != model]:
        difference = (table[model] - table[method]).to_numpy()
        p = float(wilcoxon(difference).pvalue) if np.any(difference != 0) else 1.0
        rows.append({
            "method": str(method), "genes": len(difference), "p": p,
            "median": float(table[method].median()), "median_difference": float(np.median(difference)),
        })  # fmt: skip
    adjusted = false_discovery_control([row["p"] for row in rows]) if rows else []
    for row, q in zip(rows, adjusted, strict=True):
        sign = "model" if row["median_difference"] > 0 else "comparator"
        row |= {"p_adjusted": float(q), "better": sign if q < SIGNIFICANT else "neither"}
    return rows


def verdict(title: str, median: float | None, comparisons: list[dict[str, Any]]) -> str:
    """One or two plain sentences; a loss to any comparator is said as plainly as a win."""
    if median is None:
        return f"{title} could not be scored: no panel gene varies around the scored cells."
    if not comparisons:
        return f"{title} reaches a median r of {median:.2f}; there is nothing beside it to compare with."
    losses = [row for row in comparisons if row["better"] == "comparator"]
    best = max(losses or comparisons, key=lambda row: float(row["median"]))
    rival = f"{best['method']} ({best['median']:.2f}, p {_p_words(best['p_adjusted'])})"
    start = f"{title} (median r {median:.2f}) is"
    if losses:
        others = ", ".join(row["method"] for row in losses if row is not best)
        also = f" It is also below {others}." if others else ""
        # The test pairs genes: most of them can be predicted worse while the median is a little higher.
        below = "below" if best["median"] >= median else "gene by gene below"
        return f"{start} {below} {rival} on this split: prefer {best['method']}.{also}"
    if best["better"] == "model":
        return f"{start} above every comparator on this split; the best of them is {rival}."
    return f"{start} no better than {rival} on this split."


def _p_words(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def split_half_ceiling(cells: Cells, sigma_um: float, seed: int) -> float | None:
    """How well the measured context agrees with itself: contexts from two random halves of the cells as neighbours,
    no self-loop; their correlation r raised to the full number of neighbours (Spearman-Brown), 2r / (1 + r), is the
    share of the truth's variance that is not noise. Its square root is what a perfect prediction would score."""
    assert cells.coordinates is not None
    graph = context_graph(cells.coordinates, cells.section, sigma_um, self_loop=False)
    first = np.random.default_rng(seed).random(cells.n_cells) < 0.5
    parts = [_contexts_from(graph, cells, members) for members in (first, ~first)]
    both = parts[0][1] & parts[1][1]
    r = pearson(parts[0][0][both], parts[1][0][both]) if both.any() else np.array([])
    r = np.maximum(r[np.isfinite(r)], 0.0)
    if not len(r):
        return None
    return float(np.median(np.sqrt(2 * r / (1 + r))))


def _contexts_from(graph: Any, cells: Cells, members: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_]]:
    from scipy.sparse import csr_matrix, diags

    kept = csr_matrix(graph @ diags(members.astype(np.float64)))
    kept.eliminate_zeros()
    total = np.asarray(kept.sum(axis=1)).ravel()
    kept = csr_matrix(diags(np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)) @ kept)
    return spatial_context(kept, cells.expression), has_neighbours(kept)
