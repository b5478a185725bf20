"""How far a gene's prediction can be trusted, wherever it appears: its held-out score beside the best comparator's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd
import streamlit as st

from backend.records import RunRecord


@dataclass(frozen=True)
class Trust:
    """A gene's held-out Pearson correlation, without the cell itself, of the model and of the best comparator."""

    score: float
    rival: str
    rival_score: float
    cells: int

    @property
    def wins(self) -> bool:
        return self.score > self.rival_score


def trust(scores: pd.DataFrame, run: RunRecord, gene: str) -> Trust | None:
    """Read from a run's score table; None if the gene was not scored (constant, or absent where it was tested)."""
    rows = scores[(scores["gene"] == gene) & ~scores["self_loop"]].dropna(subset="pcc")
    by_method = rows.groupby("method")["pcc"].mean()
    if run.method not in by_method:
        return None
    rivals = by_method.drop(run.method)
    rival = str(rivals.idxmax()) if len(rivals) else "none"
    cells = int(rows.loc[rows["method"] == run.method, "n_cells"].sum())
    return Trust(float(by_method[run.method]), rival, float(rivals.max()) if len(rivals) else float("nan"), cells)


def trust_badge(found: Trust | None) -> None:
    """Green: at least .3 and better than every comparator. Red: below .1. Orange: else."""
    if found is None:
        st.badge("not scored", color="gray", help="Constant where it was tested, or not measured there.")
        return
    color: Literal["green", "orange", "red"] = "orange"
    word = "weak" if found.wins else f"{found.rival} is better ({found.rival_score:.2f})"
    if found.score < 0.1:
        color, word = "red", "not supported"
    elif found.score >= 0.3 and found.wins:
        color, word = "green", "supported"
    st.badge(
        f"{word}: held-out r = {found.score:.2f}",
        color=color,
        help=f"Pearson correlation of predicted and measured context (without the cell itself) over {found.cells:,} "
        f"cells that the model did not see. The best comparator, *{found.rival}*, has {found.rival_score:.2f}.",
    )


def best_gene(scores: pd.DataFrame, run: RunRecord) -> str:
    """The gene that is predicted best: what one sees first should show what the model can do, and says its score."""
    rows = scores[(scores["method"] == run.method) & ~scores["self_loop"]]
    known = rows.sort_values("pcc", ascending=False, na_position="last")
    return str(known["gene"].iloc[0])


VERDICTS: Mapping[str, tuple[Literal["green", "orange", "red"], str, str]] = {
    "figure": ("green", "Figure", ":material/check_circle:"),
    "supplement": ("orange", "Supplement, labelled", ":material/label:"),
    "no": ("red", "Do not show", ":material/block:"),
}


def verdict_badge(verdict: str, score: float | None, tested: bool, short: bool = False) -> None:
    """May this imputed gene be printed? tested: the score was measured by hiding the gene, not predicted. short: the
    verdict alone, beside a name."""
    color, word, icon = VERDICTS[verdict]
    told = f"{'held-out' if tested else 'predicted'} r {'unknown' if score is None else f'{score:.2f}'}"
    meaning = "Imputed and measured values correlate so, where the gene was hidden from the method."
    if not tested:
        meaning = "The gene was never measured: its score is predicted from genes like it, and was not tested."
    st.badge(
        word.partition(",")[0] if short else f"{word}: {told}",
        color=color,
        icon=icon,
        help=f"{told.capitalize()}. {meaning}",
    )
