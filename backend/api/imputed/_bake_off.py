"""Methods against each other on the same data and the same split, and the one that the study shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from backend.api._history import change
from backend.api._results import has_result
from backend.api._runs import of_study, run, runs
from backend.api._studies import study
from backend.api.imputed._scores import imputation_scores, is_imputation, result
from backend.errors import UserError
from backend.methods import registry
from backend.records import RunRecord, StudyRecord
from backend.store import layout

SIGNIFICANT = 0.05
SCORES = ("pcc", "pcc_depth_partial", "srcc", "ssim_li", "ssim_spagene", "rmse", "mape", "js")


@dataclass(frozen=True)
class BakeOff:
    """table: one row per run, the best first: run, method, title, seed, split, comparator, genes, the means of the
    standard scores over genes, best_genes (how many genes it imputes best), seconds. scores: one row per gene and run
    (level "cell"): gene, run, method, and the standard scores. tests: the leader against each other run, paired over
    genes: run, method, genes, difference (mean pcc), p, p_adjusted (Wilcoxon, Benjamini-Hochberg). winner: the leader
    where it is better than all others; None where that is not sure or there is only one run. sentence: the same in
    words."""

    table: pd.DataFrame
    scores: pd.DataFrame
    tests: pd.DataFrame
    winner: str | None
    sentence: str


def bake_off(study_id: str, split: str = "genes") -> BakeOff:
    """All finished imputations of a study's data with this split. A method with several seeds or settings has several
    rows. Empty tables where nothing was run."""
    chosen = study(study_id)
    rivals = [
        found
        for found in runs(study_id)
        if found.tissue == chosen.tissue and found.split == split and is_imputation(found) and has_result(found.id)
    ]
    parts = [_own_scores(rival) for rival in rivals]
    scores = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["gene", "run", "method", *SCORES])
    wide = scores.pivot(index="gene", columns="run", values="pcc").dropna()
    table = _table(rivals, scores, wide)
    tests = _tests(table, wide)
    winner, sentence = _said(table, tests)
    return BakeOff(table, scores, tests, winner, sentence)


def use_imputer(study_id: str, run_id: str | None) -> StudyRecord:
    """Show this run's imputed genes where nobody chose another; None: no run. Can be taken back (`undo`)."""
    if run_id is None:
        return change(study_id, "no imputed genes by default", lambda old: {"imputer": None})
    record, chosen = run(run_id), study(study_id)
    result(run_id)
    if not of_study(record, chosen):
        raise UserError(f"The run {run_id} is not of this study's data.", mend="Choose one of the study's own runs.")
    title = registry.card(record.method).title
    return change(study_id, f"imputed genes of {title}", lambda old: {"imputer": run_id})


def _own_scores(rival: RunRecord) -> pd.DataFrame:
    rows = imputation_scores(rival.id)
    rows = rows[(rows["method"] == rival.method) & (rows["level"] == "cell")]
    return rows[["gene", "method", *SCORES]].assign(run=rival.id)


def _table(rivals: list[RunRecord], scores: pd.DataFrame, wide: pd.DataFrame) -> pd.DataFrame:
    """One row per run, by its mean pcc over the genes that every run has scored."""
    best = wide.idxmax(axis=1).value_counts() if len(wide) else pd.Series(dtype=int)
    rows: list[dict[str, Any]] = []
    for rival in rivals:
        card, summary = registry.card(rival.method), layout.read_json(result(rival.id) / "summary.json")
        own = scores[scores["run"] == rival.id]
        shared = own[own["gene"].isin(wide.index)]
        rows.append(
            {"run": rival.id, "method": rival.method, "title": card.title, "seed": rival.seed, "split": rival.split}
            | {"comparator": card.comparator, "genes": len(shared)}
            | {name: float(shared[name].mean()) for name in SCORES}
            | {"best_genes": int(best.get(rival.id, 0)), "seconds": float(summary["seconds"])}
        )
    columns = ["run", "method", "title", "seed", "split", "comparator", "genes", *SCORES, "best_genes", "seconds"]
    return pd.DataFrame(rows, columns=columns).sort_values("pcc", ascending=False, ignore_index=True)


def _tests(table: pd.DataFrame, wide: pd.DataFrame) -> pd.DataFrame:
    columns = ["run", "method", "genes", "difference", "p", "p_adjusted"]
    if len(table) < 2 or wide.empty:
        return pd.DataFrame(columns=columns)
    from scipy.stats import false_discovery_control, wilcoxon

    leader, rows = table["run"].iloc[0], []
    for rival, method in zip(table["run"][1:], table["method"][1:]):
        difference = (wide[leader] - wide[rival]).to_numpy()
        p = float(wilcoxon(difference).pvalue) if np.any(difference != 0) else 1.0
        rows.append(
            {"run": rival, "method": method, "genes": len(wide), "difference": float(difference.mean()), "p": p}
        )
    found = pd.DataFrame(rows)
    return found.assign(p_adjusted=false_discovery_control(found["p"]))[columns]


def _said(table: pd.DataFrame, tests: pd.DataFrame) -> tuple[str | None, str]:
    if table.empty:
        return None, "No imputation of these data is finished yet."
    first = table.iloc[0]
    start = f"{first['title']} (mean r {first['pcc']:.3f} over {first['genes']} genes)"
    if tests.empty:
        return None, f"{start} is the only imputation of these data; train another to compare it with."
    second = table.iloc[1]
    rival = f"{second['title']} ({second['pcc']:.3f}"
    close = tests[tests["p_adjusted"] >= SIGNIFICANT]
    if close.empty:
        worst = tests["p_adjusted"].max()
        return str(first["run"]), (
            f"{start} is above every other method on the same folds; the next is {rival}, "
            f"p {_p_words(float(tests['p_adjusted'].iloc[0]))}; the largest p {_p_words(float(worst))})."
        )
    p = _p_words(float(close["p_adjusted"].iloc[0]))
    names = ", ".join(table.set_index("run").loc[close["run"], "title"])
    return None, f"{start} leads, but is not surely better than {names} (p {p}): either may be shown."


def _p_words(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"
