"""The runs of a study so far, in a table."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from backend import api
from backend.records import RunRecord, StudyRecord
from pages.components import session
from pages.components.words import STATES, method_title, when


def history(study: StudyRecord) -> None:
    runs = sorted(api.runs(study.id), key=lambda run: run.created, reverse=True)
    if not runs:
        return
    st.subheader("Runs of this study", anchor=False)
    names = {record.id: record.name for record in api.datasets(archived=True)}
    table = pd.DataFrame([_row(run, names) for run in runs])
    unused = [column for column in ("Epochs", "Encoder") if table[column].isna().all()]
    st.dataframe(
        table.drop(columns=unused),
        hide_index=True,
        placeholder="–",
        column_config={
            "score": st.column_config.NumberColumn(
                "Score",
                format="%.2f",
                help="Held-out correlation: around the cell the median over genes, in the cell their mean. The two "
                "answer different questions and do not compare.",
            ),
            "open": st.column_config.LinkColumn("Open", display_text="open", width="small"),
        },
    )


def _row(run: RunRecord, names: dict[str, str]) -> dict[str, Any]:
    job, card = api.job(run.id), api.cards().get(run.method)
    return {
        "Made": when(run.created),
        "Method": method_title(run.method),
        "Answers": card.where if card else None,
        "On": names.get(run.tissue, "a data set that was deleted"),
        "State": STATES[job.state],
        "Seed": run.seed,
        "Epochs": run.config.get("epochs"),
        "Encoder": run.config.get("encoder"),
        "score": float(job.result.get("median") or job.result.get("mean") or "nan"),
        "open": f"/train?study={session.get('study')}&run={run.id}&method={run.method}",
    }
