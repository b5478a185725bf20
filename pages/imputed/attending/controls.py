"""Whether anything was learnt from the reference: the same method with centroids that say nothing."""

from __future__ import annotations

from typing import Literal

import pandas as pd
import streamlit as st

from backend import api
from backend.records import RunRecord, StudyRecord
from pages.components.words import method_title, plain

KINDS = {"reference": "as they are", "zero": "set to zero", "shuffled": "shuffled, gene by gene"}


def show(study: StudyRecord, run: RunRecord) -> None:
    """Of a method whose centroids can be emptied; nothing for another."""
    if "centroids" not in api.cards()[run.method].config.model_fields:
        return
    st.subheader("Does it use the reference?", anchor=False)
    st.caption(
        "The same method, settings and folds, with centroids that say nothing. What a control scores was not read from "
        "the reference."
    )
    done = {other.config["centroids"]: other.id for other in _alike(study, run)}
    rows = [{"centroids": words, **_means(done.get(kind))} for kind, words in KINDS.items()]
    number = st.column_config.NumberColumn
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        placeholder="not trained",
        column_config={
            "centroids": "Centroids",
            "pcc": number("Mean r", format="%.3f"),
            "partial": number("r without depth", format="%.3f"),
        },
    )
    left = [kind for kind in KINDS if kind not in done]
    if left and st.button(f"Train {plain(method_title(run.method))}'s controls", icon=":material/science:"):
        for kind in left:
            api.start_run(study.id, run.method, run.config | {"centroids": kind}, run.seed, track=_track(run))
        st.switch_page("training.py")


def _alike(study: StudyRecord, run: RunRecord) -> list[RunRecord]:
    """The finished runs that differ in their centroids alone, this one among them."""
    same = {**run.config, "centroids": None}
    return [
        other
        for other in api.runs(study.id)
        if (other.method, other.data, other.split, other.seed) == (run.method, run.data, run.split, run.seed)
        and {**other.config, "centroids": None} == same
        and api.has_result(other.id)
    ]


def _track(run: RunRecord) -> Literal["unmeasured-gene", "unseen-region"]:
    return "unmeasured-gene" if run.split == "genes" else "unseen-region"


def _means(run_id: str | None) -> dict[str, float | None]:
    if run_id is None:
        return {"pcc": None, "partial": None}
    summary = api.summary(run_id)
    return {"pcc": summary["pcc_mean"], "partial": summary["pcc_depth_partial_mean"]}
