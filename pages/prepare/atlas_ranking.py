"""All atlases on this server, ranked for the study's tissue, and the button that takes another one."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from backend import api
from backend.records import JobState, StudyRecord
from pages.components import session
from pages.components.choice import select
from pages.components.job_panel import job_panel
from pages.components.words import plain

CLOSE = 3.0  # points of fit; less is no difference: seeds alone move it by one or two


def show(study: StudyRecord) -> None:
    ranked = api.rank_atlases(study.id)
    if len(ranked) < 2 and ranked and ranked[0].record.id == study.reference:
        st.markdown("This is the only atlas on this server. Add another one, and both are compared here.")
        _bring()
        return
    running = [row for row in ranked if row.job and not row.job.state.finished and row.record.id != study.reference]
    for row in running[:1]:  # one panel: they wait for each other
        job_panel(row.job.id, f"Matching {row.record.name} ({len(running)} to go)")  # type: ignore[union-attr]
    lacking = [row for row in ranked if not row.skipped and not row.facts and row not in running]
    if lacking and not running:
        label = f"Match {len(lacking)} more" if len(lacking) < len(ranked) else f"Match all {len(lacking)}"
        if st.button(label, icon=":material/leaderboard:", help="Under a minute each."):
            api.start_ranking(study.id)
            st.rerun()
    st.dataframe(
        pd.DataFrame([_line(study, row) for row in ranked]), hide_index=True, column_config={
            "Fit": st.column_config.ProgressColumn("Fit", min_value=0, max_value=100, format="%.0f"),
            "Cells with counterpart, %": st.column_config.NumberColumn(format="%.0f"),
        },
    )  # fmt: skip
    if len(ranked) > 1 and (why := api.why_better(ranked[0], ranked[1])):
        best, second = (plain(row.record.name) for row in ranked[:2])
        close = ranked[0].facts["fit"] - ranked[1].facts["fit"] < CLOSE  # type: ignore[index]
        said = f"**{best}** and **{second}** fit about equally well. {best}" if close else f"**{best}**"
        st.markdown(f"{said} is ahead{'' if close else f' of {second}'} by its {plain(why)}.")
    _bring()
    _take(study, [row for row in ranked if row.record.id != study.reference])


def _bring() -> None:
    if st.button("Add an atlas", icon=":material/add:", type="tertiary"):
        session.hand_over("data", view="add", role="reference", job=None, back="prepare")
        st.switch_page("upload.py")


def _line(study: StudyRecord, row: api.Ranked) -> dict[str, Any]:
    facts = row.facts or {}
    used = " (in use)" if row.record.id == study.reference else ""
    return {
        "Atlas": row.record.name + used,
        "Fit": facts.get("fit"),
        "Verdict": facts.get("verdict") or _why(row),
        "Shared genes": facts.get("shared"),
        "Types": facts.get("atlas_type_count"),
        "Cells with counterpart, %": 100 * facts["counterpart"] if facts else None,
        "Species": row.record.species,
        "Lacks": "; ".join(str(gone["type"]) for gone in facts.get("no_counterpart", ())),
    }


def _why(row: api.Ranked) -> str:
    if row.skipped:
        return row.skipped
    if row.job and row.job.state is JobState.FAILED:
        return (row.job.error or {}).get("what", "failed")
    return "being matched" if row.job and not row.job.state.finished else "not matched yet"


def _take(study: StudyRecord, others: list[api.Ranked]) -> None:
    if not others:
        return
    names = {row.record.id: row.record.name for row in others}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = session.one_of("other", list(names)) or next(iter(names))
        select("Another atlas", names, "other", chosen, width=320)
        pressed = st.button("Use this atlas", icon=":material/swap_horiz:")
    record, tissue = api.dataset(chosen), api.dataset(study.tissue)
    if record.species != tissue.species:
        st.caption(
            f":material/warning: {plain(record.name)} is {record.species}, your tissue {tissue.species}: only genes "
            "with one orthologue in the other species would be used."
        )
    if pressed:
        api.use_dataset(study.id, "reference", chosen, did=f"{record.name} as atlas")
        st.toast(f"{plain(record.name)} is the atlas now; Undo takes it back.", icon=":material/check:")
        st.rerun()
