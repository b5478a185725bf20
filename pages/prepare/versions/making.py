"""A version under way, and how it comes into use: asked for here, it replaces the old one by itself when it is made."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from backend import api
from backend.records import DatasetRecord, JobState, JobStatus, Recipe, Role, StudyRecord
from pages.components import session
from pages.components.choice import segments
from pages.components.job_panel import job_panel
from pages.components.links import linked_job
from pages.components.words import count, plain, when

# "job data-set-in-use-then": what this tab asked for. Neither a link to somebody's version, nor one that was asked for
# before another window changed the study, may change it by itself.
_ASKED = "prepare.asked"
_ROLES: dict[str, Role] = {"tissue": "tissue", "atlas": "reference"}


def choose_part(study: StudyRecord) -> tuple[Role, str]:
    """Tissue or atlas, tied to the URL: its role and the id of its data set."""
    part = session.one_of("part", list(_ROLES), "tissue") or "tissue"
    names = {
        "tissue": f"Tissue: {api.dataset(study.tissue).name}",
        "atlas": f"Atlas: {api.dataset(study.reference).name}",
    }
    segments("Part", names, "part", part, label_visibility="collapsed")
    return _ROLES[part], study.tissue if part == "tissue" else study.reference


def make(study: StudyRecord, role: Role, base: DatasetRecord, recipe: Recipe) -> None:
    """Ask for the version of `base`; a recipe that changes nothing takes `base` itself."""
    if recipe.empty:
        _use(study, role, base, f"{_word(role)} as it was added: {count(base.n_cells, 'cell')}")
    job = api.start_version(base.id, recipe)
    session.put("job", job.id)
    st.session_state[_ASKED] = f"{job.id} {getattr(study, role)}"
    st.rerun()


def follow(study: StudyRecord) -> None:
    """The version of `?job=`, live, in whatever view one is when it is made."""
    if not (session.get("job") or "").startswith("version-"):  # the views of Prepare share the parameter
        return
    asked = linked_job("version")
    if asked is None or asked.params["recipe"]["regions"]:  # a region is for the quick look
        return
    job = job_panel(asked.id, "Making a new version")
    if job.state is not JobState.SUCCEEDED:
        return
    ours = {record.id: record for part in (study.tissue, study.reference) for record in api.versions(part)}
    made = ours.get(str(job.result["dataset"]))
    if made is None:
        st.warning("The version of this link was deleted, or is of other data.", icon=":material/link_off:")
        session.put("job", None)
        return
    role: Role = "reference" if made.role == "reference" else "tissue"
    used = getattr(study, role)
    did = _did(role, made, api.recipe_of(used)[1], job)
    if st.session_state.pop(_ASKED, None) == f"{job.id} {used}":
        _use(study, role, made, did)
    elif made.id not in study.parts:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(made.name)}** was made: {plain(did)}.")
            if st.button("Use this version", key="use made", icon=":material/check:"):
                _use(study, role, made, did)


def _did(role: Role, made: DatasetRecord, was: Recipe, job: JobStatus) -> str:
    """The change in words: what differs from the recipe of the version in use."""
    now, word = Recipe.model_validate(job.params["recipe"]), _word(role)
    kept = f"{job.result['cells']:,} of {job.result['of']:,} cells kept"
    if now.most_cells != was.most_cells:
        return f"size of the {word}: {kept}"
    if (now.columns, now.areas, now.areas_are, now.gap_um) != (was.columns, was.areas, was.areas_are, was.gap_um):
        more = len(made.sections) - 4
        listed = ", ".join(made.sections[:4]) + (f" and {more} more" if more > 0 else "")
        return f"Sections of the {word}: {len(made.sections)} ({listed})"
    return f"QC of the {word}: {kept}"


def _use(study: StudyRecord, role: Role, made: DatasetRecord, did: str) -> None:
    api.use_dataset(study.id, role, made.id, did)
    session.put("job", None)
    st.toast(f"{plain(did)}. The old version is kept.", icon=":material/check_circle:")
    st.rerun()


def _word(role: Role) -> str:
    return "atlas" if role == "reference" else "tissue"


def family(study: StudyRecord, role: Role, dataset_id: str) -> None:
    """Behind an expander, all versions of the data set, each with a button that brings it back."""
    records: Sequence[DatasetRecord] = [record for record in api.versions(dataset_id) if record.role == role]
    if len(records) < 2:
        return
    with st.expander(f"Versions ({len(records)})", icon=":material/history:"):
        for record in reversed(records):
            with st.container(horizontal=True, vertical_alignment="center", key=f"version-{record.id}"):
                said = " ".join(record.left_out[:3]) or ("as it was added" if not record.parent else "all cells kept")
                st.markdown(
                    f"**{plain(record.name)}**, {count(record.n_cells, 'cell')}, {when(record.created)}: {plain(said)}",
                    width="stretch",
                )
                if record.id == dataset_id:
                    st.badge("in use", color="green", icon=":material/check:")
                elif st.button("Use this version", key=f"use {record.id}", type="tertiary"):
                    _use(study, role, record, f"{record.name} as {_word(role)}")
