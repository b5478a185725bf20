"""The score of a gene that was never measured, predicted from facts that every gene has, and how far that prediction
itself can be relied on (docs/imputation/verdict.md).

Learnt on the panel's genes, whose scores are known from hiding them: support vector regression on seven facts, and on
the attention's entropy or the method's own doubt where there are such. Each panel gene is also predicted by the genes
of other folds: the Spearman correlation of these predictions with the true scores, and their errors, say how good
predictions off the panel are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.analysis.imputation.verdict import LEVEL

FACTS = (
    "group_share", "predictability", "relatives_r", "expected_detection", "specificity", "imputed_spread",
    "moran_imputed",
)  # fmt: skip
ENTROPY, DOUBT = "attention_entropy", "own_doubt"  # of methods that tell them
FEWEST_GENES = 10  # with a score; fewer: nothing is predicted
_THIRDS, _FEWEST_OF_THIRD = 3, 20
_DRAWS = 1000
_LOGARITHMS = {"expected_detection": 1e-3, "imputed_spread": 1e-4, DOUBT: 1e-4}
Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Predicted:
    """known: gene, predicted, low, high, score of the panel's genes, each as genes of other folds predict it. unknown:
    gene, predicted, low, high. spearman: of known's predicted with score; low, high: 95 %, bootstrap over genes; None
    where it cannot be said."""

    known: pd.DataFrame
    unknown: pd.DataFrame
    spearman: float | None
    spearman_low: float | None
    spearman_high: float | None


def predict_scores(known: pd.DataFrame, unknown: pd.DataFrame, seed: int) -> Predicted:
    """known: gene, fold, score (NaN: not used), the `FACTS`, `ENTROPY` and `DOUBT` (NaN where the method tells
    none); unknown: the same without fold and score."""
    usable = known[known["score"].notna()].reset_index(drop=True)
    if len(usable) < FEWEST_GENES or usable["fold"].nunique() < 2:
        return Predicted(_unpredicted(usable), _unpredicted(unknown), None, None, None)
    told = [name for name in (ENTROPY, DOUBT) if known[name].notna().all() and unknown[name].notna().all()]
    facts = [*FACTS, *told]
    said = np.zeros(len(usable))
    for fold in usable["fold"].unique():
        hidden = (usable["fold"] == fold).to_numpy()
        said[hidden] = _regress(usable[~hidden], usable[hidden], facts)
    error = usable["score"].to_numpy() - said
    spearman = _spearman(said, usable["score"].to_numpy())
    ends = _bootstrap(said, usable["score"].to_numpy(), seed)
    table = usable[["gene", "score"]].assign(predicted=said, **_around(said, said, error))
    beyond = _regress(usable, unknown, facts) if len(unknown) else np.zeros(0)
    off = unknown[["gene"]].assign(predicted=beyond, **_around(beyond, said, error))
    return Predicted(table, off, spearman, *ends)


def _regress(learnt: pd.DataFrame, asked: pd.DataFrame, facts: list[str]) -> Floats:
    from sklearn.svm import SVR

    x, other = _read(learnt, facts), _read(asked, facts)
    centre, spread = x.mean(axis=0), x.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    model = SVR(C=0.1, epsilon=0.03).fit((x - centre) / spread, learnt["score"])
    # Beyond the panel's range a fact says no more than at its end.
    inside = np.clip(other, x.min(axis=0), x.max(axis=0))
    return np.asarray(model.predict((inside - centre) / spread))


def _read(table: pd.DataFrame, facts: list[str]) -> Floats:
    values = table[facts].fillna(0.0).to_numpy(dtype=np.float64)  # a gene imputed as a constant has no order in space
    for name, least in _LOGARITHMS.items():
        if name not in facts:
            continue
        column = facts.index(name)
        values[:, column] = np.log(np.maximum(values[:, column], 0.0) + least)
    return values


def _around(asked: Floats, said: Floats, error: Floats) -> dict[str, Any]:
    """Ends of the interval: quantiles of the errors among genes that were predicted alike (thirds, where each has
    twenty genes)."""
    count = _THIRDS if len(said) >= _THIRDS * _FEWEST_OF_THIRD else 1
    edges = np.quantile(said, np.arange(1, count) / count)
    own, other = np.searchsorted(edges, said), np.searchsorted(edges, asked)
    shares = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    ends = np.array([np.quantile(error[own == third], shares) for third in range(count)])[other].reshape(-1, 2)
    return {"low": np.maximum(-1.0, asked + ends[:, 0]), "high": np.minimum(1.0, asked + ends[:, 1])}


def _unpredicted(table: pd.DataFrame) -> pd.DataFrame:
    kept = table[[name for name in ("gene", "score") if name in table]]
    return kept.assign(predicted=np.nan, low=np.nan, high=np.nan)


def _spearman(said: Floats, true: Floats) -> float:
    one, other = (pd.Series(values).rank().to_numpy() for values in (said, true))
    return float(np.corrcoef(one, other)[0, 1]) if min(one.std(), other.std()) > 0 else 0.0


def _bootstrap(said: Floats, true: Floats, seed: int) -> tuple[float, float]:
    rng = np.random.default_rng(seed)
    draws = [_spearman(said[rows], true[rows]) for rows in rng.integers(len(said), size=(_DRAWS, len(said)))]
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)
