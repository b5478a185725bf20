"""How sure a score is, and whether one method is better than another (methods.md §6, aggregation).

Uncertainty: bootstrap over genes, and over spatial blocks of cells. Two methods are compared gene by gene: paired
Wilcoxon, Benjamini-Hochberg over the comparisons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.analysis.agreement import is_flat
from backend.evaluation.genes.metrics import SCORES
from backend.methods.contract import Floats
from backend.training.batches import stream

DRAWS = 2000
SIGNIFICANT = 0.05


def summary(genes: pd.DataFrame) -> dict[str, Any]:
    """What a method's rows of one level amount to: the mean of every score over genes that have one (None where no gene
    has), of the folds' means, and how many genes were scored, excluded (constant truth) or predicted constant."""
    scored = genes[genes["pcc"].notna()]
    found: dict[str, Any] = {f"{name}_mean": _number(genes[name].mean()) for name in SCORES}
    found["pcc_fold_mean"] = _number(genes.groupby("fold")["pcc"].mean().mean())
    found["pcc_median"] = _number(scored["pcc"].median()) if len(scored) else None
    return found | {
        "genes_scored": len(scored),
        "excluded": len(genes) - len(scored),
        "constant": int(scored["constant"].sum()),
    }


def gene_interval(values: NDArray[np.floating], seed: int = 0) -> list[float] | None:
    """95 % interval of the mean over genes: genes drawn with replacement."""
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    if len(known) < 2:
        return None
    rng = stream(seed, "bootstrap over genes")
    means = [float(known[rng.integers(len(known), size=len(known))].mean()) for _ in range(DRAWS)]
    return [float(end) for end in np.quantile(means, [0.025, 0.975])]


def block_draws(truth: Floats, predicted: Floats, block: NDArray[np.integer], seed: int = 0) -> NDArray[np.float64]:
    """`DRAWS` x genes: the PCC when whole blocks of cells are drawn with replacement. From each block's sums, so that
    no cell is visited twice. NaN for a gene whose truth is constant."""
    labels = np.unique(block, return_inverse=True)[1]
    count = int(labels.max()) + 1
    drawn = stream(seed, "bootstrap over blocks").multinomial(count, np.full(count, 1 / count), size=DRAWS)
    size = np.abs(predicted).max(axis=0)
    x = np.asarray(truth, dtype=np.float64) - truth.mean(axis=0, dtype=np.float64)
    y = np.asarray(predicted, dtype=np.float64) / np.where(size > 0, size, 1.0)
    y = y - y.mean(axis=0)
    member = np.zeros((count, len(labels)))
    member[labels, np.arange(len(labels))] = 1.0
    n, sx, sy, sxx, syy, sxy = (drawn @ (member @ part) for part in (np.ones((len(x), 1)), x, y, x * x, y * y, x * y))
    spread = np.sqrt(np.maximum(sxx - sx**2 / n, 0.0) * np.maximum(syy - sy**2 / n, 0.0))
    found = np.divide(sxy - sx * sy / n, spread, out=np.zeros_like(sxy), where=spread > 1e-12)
    found[:, is_flat(truth) | ~np.isfinite(truth).all(axis=0)] = np.nan
    return np.asarray(found)


def block_interval(draws: Sequence[NDArray[np.float64]]) -> list[float] | None:
    """95 % interval of the mean over genes of all folds; the folds' blocks are drawn apart."""
    joined = np.concatenate(draws, axis=1)
    known = joined[:, np.isfinite(joined).all(axis=0)]
    return [float(end) for end in np.quantile(known.mean(axis=1), [0.025, 0.975])] if known.shape[1] else None


def compare(scores: pd.DataFrame, method: str, others: Sequence[str], score: str = "pcc") -> list[dict[str, Any]]:
    """`method` against each other one over the genes that both were scored on (columns gene, fold, method and the
    scores; one level). better: the name of the better one, or "neither"."""
    from scipy.stats import false_discovery_control, wilcoxon

    table = scores.pivot(index=["fold", "gene"], columns="method", values=score)
    rows: list[dict[str, Any]] = []
    for other in others:
        both = table[[method, other]].dropna()
        difference = (both[method] - both[other]).to_numpy()
        p = float(wilcoxon(difference).pvalue) if np.any(difference != 0) else 1.0
        rows.append({
            "method": method, "other": other, "score": score, "genes": len(both),
            "mean": _number(both[method].mean()), "other_mean": _number(both[other].mean()),
            "mean_difference": _number(difference.mean()) if len(both) else None,
            "interval": gene_interval(difference), "wins": int((difference > 0).sum()),
            "losses": int((difference < 0).sum()), "p": p,
        })  # fmt: skip
    adjusted = false_discovery_control([row["p"] for row in rows]) if rows else []
    for row, q in zip(rows, adjusted, strict=True):
        ahead = row["method"] if (row["mean_difference"] or 0) > 0 else row["other"]
        row |= {"p_adjusted": float(q), "better": ahead if q < SIGNIFICANT else "neither"}
    return rows


def every_pair(scores: pd.DataFrame, methods: Sequence[str], score: str = "pcc") -> list[dict[str, Any]]:
    """Each method against each later one; adjusted over all these comparisons together."""
    from scipy.stats import false_discovery_control

    rows = [row for at, method in enumerate(methods) for row in compare(scores, method, methods[at + 1 :], score)]
    for row, q in zip(rows, false_discovery_control([row["p"] for row in rows]) if rows else [], strict=True):
        ahead = row["method"] if (row["mean_difference"] or 0) > 0 else row["other"]
        row |= {"p_adjusted": float(q), "better": ahead if q < SIGNIFICANT else "neither"}
    return rows


def winners(scores: pd.DataFrame, score: str = "pcc") -> dict[str, str | None]:
    """For each gene the method that scores it best; None where no method has a score or several share the best."""
    table = scores.pivot(index="gene", columns="method", values=score)
    found: dict[str, str | None] = {}
    for gene, row in table.iterrows():
        best = row[row == row.max()]
        found[str(gene)] = str(best.index[0]) if len(best) == 1 else None
    return found


def verdict(method: str, comparisons: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> str:
    """`method` against the best of the others, in one sentence with its p-value; a loss as plainly as a win."""
    rivals = [row for row in comparisons if row["method"] == method]
    if not rivals:
        return f"{titles[method]} has no other method to be compared with."
    if not any(row["genes"] for row in rivals):
        return f"{titles[method]} could not be scored: no hidden gene varies among the scored cells."
    row = max(rivals, key=lambda row: float(row["other_mean"]))
    p = "p < 0.001" if row["p_adjusted"] < 0.001 else f"p = {row['p_adjusted']:.3f}"
    facts = f"mean r {row['mean']:.3f} against {row['other_mean']:.3f}, {row['genes']} genes, {p}"
    word = {method: "better than", row["other"]: "worse than"}.get(row["better"], "no better and no worse than")
    return f"{titles[method]} is {word} {titles[row['other']]}, the best of the others ({facts})."


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
