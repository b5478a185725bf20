"""The bake-off: methods against each other on the same hidden genes, and the one that the study shows."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from backend import api
from backend.figures import scores as score_figures
from backend.figures.imputed import bake_off as figures
from backend.records import RunRecord, StudyRecord
from pages.components import session
from pages.components.choice import segments
from pages.components.figure_card import figure_card, table_download
from pages.components.words import plain
from pages.imputed.rivals import rival_names

SPLITS = {"genes": "Unmeasured gene", "blocks": "Measured gene, unseen region"}
RIVALS = 3
READ = """Each point is a gene that was hidden from both methods. Above the dashed line the method named at the side
imputes it better (orange), below it the other (blue). All panels have the same axes."""
FOOL = """Many genes near zero are noise for every method; what counts is where the cloud lies as a whole. The same
genes and cells were scored for all, but each method ran with its own settings: a *Quick look* against a *Thorough* is
not fair."""
READ_WINS = "For how many of the genes that all have scored each method has the highest held-out r."
FOOL_WINS = """A gene goes to the best of all, by however little: a method that is second everywhere wins nothing here.
The mean and the paired test say more."""
READ_BOX = "A box and a point per gene for each method; the best median on top, the leader in colour."
FOOL_BOX = """*own-total* knows only how many counts a cell has. What it reaches is depth, not biology: compare the
column *r without depth*."""


def show(study: StudyRecord, run: RunRecord) -> None:
    results(study)


def results(study: StudyRecord) -> None:
    split = _split(study)
    found = api.imputed.bake_off(study.id, split)
    st.markdown(f"**{plain(found.sentence)}**")
    if found.table.empty:
        return
    names = rival_names([api.run(run_id) for run_id in found.table["run"]])
    _table(study, found, names)
    wide = found.scores.pivot(index="gene", columns="run", values="pcc")[list(names)].rename(columns=names)
    if len(names) < 2:
        return
    seeds = ", ".join(map(str, sorted(found.table["seed"].unique())))
    where = (
        f"{len(wide.dropna()):,} genes, single cells · {SPLITS[split].lower()}, the same folds for all · seed {seeds}"
    )
    caption = f"{api.dataset(study.tissue).name} with {api.dataset(study.reference).name} · {where}"
    _figures(wide, list(names.values()), caption)
    _per_gene(wide, study)


def _split(study: StudyRecord) -> str:
    """Both tasks are never in one table: they are not the same work."""
    have = {run.split for run in api.runs(study.id) if api.imputed.is_imputation(run) and api.has_result(run.id)}
    if not have >= set(SPLITS):
        return "blocks" if have == {"blocks"} else "genes"
    split = session.one_of("split", list(SPLITS), "genes") or "genes"
    segments("Task", SPLITS, "split", split)
    return split


def _table(study: StudyRecord, found: api.imputed.BakeOff, names: dict[str, str]) -> None:
    tests = found.tests.set_index("run")["p_adjusted"] if len(found.tests) else pd.Series(dtype=float)
    shown = found.table.assign(
        title=found.table["run"].map(names),
        p=found.table["run"].map(tests),
        minutes=found.table["seconds"] / 60,
        used=found.table["run"] == study.imputer,
    )
    number = st.column_config.NumberColumn
    columns: dict[str, Any] = {
        "title": "Method",
        "pcc": number("Mean r", format="%.3f", help="Held-out Pearson correlation, mean over genes."),
        "pcc_depth_partial": number("r without depth", format="%.3f", help="The cell's input total regressed out."),
        "srcc": number("Spearman", format="%.3f"),
        "ssim_li": number("SSIM (Li)", format="%.3f"),
        "best_genes": number("Best for", format="%d genes"),
        "p": number("p against the first", format="%.2g", help="Paired Wilcoxon over genes, Benjamini–Hochberg."),
        "minutes": number("Minutes", format="%.1f"),
        "used": st.column_config.CheckboxColumn("Shown in this study"),
    }
    event = st.dataframe(
        shown[list(columns)], hide_index=True, placeholder="–", column_config=columns, on_select="rerun",
        selection_mode="single-row", key="bake-off",
    )  # fmt: skip
    picked = event.selection.rows
    run_id = str(found.table["run"][picked[0]]) if picked else (found.winner or str(found.table["run"][0]))
    with st.container(horizontal=True, vertical_alignment="center"):
        if run_id == study.imputer:
            st.badge(f"{plain(names[run_id])} is shown in this study", color="green", icon=":material/check:")
        else:
            what = "the winner" if run_id == found.winner else plain(names[run_id])
            if st.button(f"Use {what} in this study", type="primary", icon=":material/check:"):
                api.imputed.use_imputer(study.id, run_id)
                session.put("run", run_id)
                st.rerun()
        table_download(found.table, f"resitu-bake-off-{study.id}.csv")
        st.caption("Select a row to use another.")


def _figures(wide: pd.DataFrame, names: list[str], caption: str) -> None:
    leader, others = names[0], names[1:]
    chosen = st.multiselect("The first against", others, others[:RIVALS], key="bake-off.rivals") or others[:RIVALS]
    draw = partial(figures.method_against, wide, leader, chosen, f"{leader} against others, gene by gene")
    least = 380 * min(len(chosen), figures.ACROSS)
    figure_card(draw, "against", caption, read=READ, fool=FOOL, table=wide.reset_index(), least_px=least)
    left, right = st.columns(2)
    with left:
        draw = partial(figures.winners, wide, "Which method imputes a gene best")
        figure_card(draw, "winners", caption, read=READ_WINS, fool=FOOL_WINS, table=wide.reset_index())
    with right:
        long = wide.melt(ignore_index=False, var_name="method", value_name="pcc").reset_index()
        draw = partial(score_figures.scores_by_method, long, leader, "Scores by method")
        figure_card(draw, "bake-off-box", caption, read=READ_BOX, fool=FOOL_BOX, table=long)


def _per_gene(wide: pd.DataFrame, study: StudyRecord) -> None:
    st.subheader("The best method for each gene", anchor=False)
    known = wide.dropna(how="all")
    shown = known.assign(best=known.idxmax(axis=1), top=known.max(axis=1)).sort_values("top", ascending=False)
    shown = shown[["best", *wide.columns]].reset_index()
    numbers: dict[str, Any] = {name: st.column_config.NumberColumn(name, format="%.2f") for name in wide.columns}
    st.dataframe(shown, hide_index=True, height=380, column_config={"gene": "Gene", "best": "Best"} | numbers)
    table_download(shown, f"resitu-bake-off-genes-{study.id}.csv", "Download all genes (CSV)")
