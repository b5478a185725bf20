"""Does the atlas know the cells of this tissue, does another one know more of them, and how is it made smaller?"""

from __future__ import annotations

import streamlit as st

from backend import api
from backend.records import JobState, StudyRecord
from pages.components.job_panel import job_panel
from pages.components.problems import shown
from pages.components.words import count, plain
from pages.prepare import atlas_card, atlas_ranking, atlas_smaller
from pages.prepare.versions import making


def show(study: StudyRecord) -> None:
    making.follow(study)
    with shown():
        _match(study)
    st.subheader("Which atlas fits better?", anchor=False)
    with shown():
        atlas_ranking.show(study)
    st.subheader("Make the atlas smaller or cleaner", anchor=False)
    with shown():
        atlas_smaller.show(study)


def _match(study: StudyRecord) -> None:
    tissue, atlas = api.dataset(study.tissue), api.dataset(study.reference)
    if tissue.species != atlas.species:
        st.warning(
            f"{plain(atlas.name)} is {atlas.species}, your tissue is {tissue.species}: genes are matched by "
            "one-to-one orthologues, and all others are left out.",
            icon=":material/compare_arrows:",
        )
    job = api.find_match(study.id)
    if job is None:
        _offer(study, tissue.n_cells, atlas.name)
        return
    job = job_panel(job.id, f"Matching {atlas.name} with {tissue.name}")
    if job.state is JobState.SUCCEEDED:
        atlas_card.show(study, job)


def _offer(study: StudyRecord, cells: int, atlas: str) -> None:
    with st.container(border=True, horizontal_alignment="left"):
        st.markdown(
            f"Which of your {count(cells, 'cell')} have their like in {plain(atlas)}? The match looks at shared genes, "
            "markers, depth, and types that the atlas lacks. Under a minute."
        )
        if st.button("Match the atlas", type="primary", icon=":material/join_inner:"):
            api.start_match(study.id)
            st.rerun()
