"""A run's score around the cell beside those of the simple methods: the table of the training and the quality page."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from backend import api
from backend.records import RunRecord
from pages.components import cached
from pages.components.words import method_title, plain

_HELP = {
    "Median r": "Median over genes of the correlation of predicted and measured surroundings, in cells that were not "
    "learnt from. The cell itself is left out.",
    "95 %, genes": "Where the median lies when the genes are drawn again.",
    "95 %, blocks": "Where it lies when blocks of the tissue are drawn again: cells side by side are no independent "
    "witnesses.",
    "Middle half": "Half of the genes lie in it.",
    "With the cell itself": "The paper's own convention. Copying a cell's own expression then looks like prediction.",
}


def context_table(run: RunRecord) -> None:
    """Methods by their median, best first; the run's own is marked."""
    table = cached.left(api.context.compared, run.id)
    if table.empty:
        return
    own = method_title(run.method)
    shown = pd.DataFrame({
        "Method": [f"▸ {own}" if name == run.method else str(name) for name in table["method"]],
        "Median r": table["median"].map("{:.3f}".format),
        "95 %, genes": _between(table, "low", "high"),
        "95 %, blocks": _between(table, "block_low", "block_high"),
        "Middle half": _between(table, "quarter", "three_quarters"),
        "With the cell itself": table["with_self"].map("{:.3f}".format),
        "Best gene": [f"{gene} {score:.2f}" for gene, score in zip(table["best_gene"], table["best"], strict=True)],
    })  # fmt: skip
    if table["block_low"].isna().all():
        shown = shown.drop(columns="95 %, blocks")
    columns = {name: st.column_config.TextColumn(help=_HELP.get(name)) for name in map(str, shown)}
    st.dataframe(shown, hide_index=True, column_config=columns)
    genes, left = int(table["genes"].max()), int(table["excluded"].max())
    where = "the validation tissue" if run.validation else "both halves of the tissue, each predicted from the other"
    unscored = f" {left} genes do not vary there and are not scored." if left else ""
    st.caption(plain(f"{genes} genes on {where}, the same cells for every method; seed {run.seed}.{unscored}"))


def _between(table: pd.DataFrame, low: str, high: str) -> list[str]:
    return [f"{a:.2f} to {b:.2f}" if a == a else "–" for a, b in zip(table[low], table[high], strict=True)]
