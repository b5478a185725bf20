"""Which genes are shown together, and each of them as numbers to draw."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from backend.figures.points import Measure
from backend.records import RunRecord, StudyRecord
from pages.components import session
from pages.components.cached import imputed
from pages.components.choice import segments
from pages.components.trust_badge import verdict_badge
from pages.components.words import plain
from pages.imputed.table import names_in

UNIT = "log counts"
PANEL = {"measured": "as measured", "held-out": "as imputed while hidden"}


def choose_genes(run: RunRecord, most: int, first: int) -> list[str]:
    """At most `most` genes of the run, in the order chosen, from the list of the URL that all views of several genes
    share; `first`: how many there are before anybody chose."""
    table = imputed.genes(run)
    known = {str(gene).casefold(): str(gene) for gene in table["gene"]}
    asked = [known[name.casefold()] for name in names_in(session.get("genes") or "") if name.casefold() in known]
    chosen = list(dict.fromkeys(asked))[:most] or start(table, first)
    key = f"widget.genes.{most}"
    st.session_state[key] = chosen
    st.multiselect(
        f"Genes, {most} at most",
        table["gene"].tolist(),
        max_selections=most,
        key=key,
        on_change=_keep,
        args=(key,),
        help="On your panel or off it.",
    )
    return chosen


def _keep(key: str) -> None:
    session.put("genes", ", ".join(st.session_state[key]))


def start(table: pd.DataFrame, count: int) -> list[str]:
    """The best tested genes and, for half of the places, the best of those that were never measured."""
    tested = table[table["measured"]].nlargest(count, "score")["gene"]
    untested = table[~table["measured"].astype(bool)].nlargest(count // 2, "predicted_score")["gene"]
    return [*tested[: count - len(untested)], *untested]


def choose_panel() -> bool:
    """Whether genes of the panel are shown as imputed, rather than as measured."""
    chosen = session.one_of("panel", list(PANEL))
    segments("Genes of your panel", PANEL, "panel", chosen, help="Genes off the panel are imputed either way.")
    return chosen == "held-out"


def measure(study: StudyRecord, run: RunRecord, gene: str, held_out: bool) -> Measure:
    """Nothing imputed is shown of cells that have no counterpart in the atlas: they are NaN."""
    layers = imputed.layers(study, run, gene)
    if layers.measured is None or held_out:
        return Measure(np.where(layers.hatched, np.nan, layers.imputed), gene, UNIT, predicted=True)
    return Measure(layers.measured, gene, UNIT)


def badges(run: RunRecord, genes: list[str]) -> None:
    """Each gene's name with its verdict."""
    table = imputed.genes(run).set_index("gene")
    with st.container(horizontal=True, gap="medium"):
        for gene in genes:
            row = table.loc[[gene]].iloc[0]
            measured = bool(row["measured"])
            score = row["score"] if measured else row["predicted_score"]
            with st.container(horizontal=True, gap="xsmall", width="content", vertical_alignment="center"):
                st.markdown(f"**{plain(gene)}**", width="content")
                verdict_badge(str(row["verdict"]), None if pd.isna(score) else float(score), measured, short=True)


def where(genes: list[Measure]) -> str:
    """For captions: which of them were measured, and which were not."""
    parts = {
        "measured": [g.title for g in genes if not g.predicted],
        "imputed": [g.title for g in genes if g.predicted],
    }
    told = [f"{kind}: {', '.join(names)}" for kind, names in parts.items() if names]
    unknown = int((~np.isfinite([gene.values for gene in genes])).any(axis=0).sum())
    return "; ".join(told + ([f"{unknown:,} cells left out: unread, or like none in the atlas"] if unknown else []))


def drawn(genes: list[Measure], cells: pd.Index) -> pd.DataFrame:
    """What a figure of them is drawn from, a row per cell."""
    columns = {f"{gene.title} ({'imputed' if gene.predicted else 'measured'})": gene.values for gene in genes}
    return pd.DataFrame({"cell": cells, **columns})
