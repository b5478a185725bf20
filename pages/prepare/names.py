"""Cell names: which cell is what, how sure that is, and four other ways to say it."""

from __future__ import annotations

import streamlit as st

from backend import api
from backend.errors import NotFound
from backend.records import StudyRecord
from pages.components import cached, session
from pages.components.choice import segments
from pages.components.job_panel import job_panel
from pages.components.problems import shown
from pages.components.words import count, plain
from pages.prepare.naming import edit, picture, waiting, ways
from pages.prepare.versions import making

NUMBERED = r"cluster \d+"
MANY_UNSURE = 0.25  # share of cells


def show(study: StudyRecord) -> None:
    making.follow(study)
    parts = {"tissue": "Tissue", "reference": "Atlas", "validation": "Validation tissue"}
    parts = {role: label for role, label in parts.items() if getattr(study, role)}
    role = session.one_of("part", list(parts), _linked(study)) or "tissue"
    segments("Cells of the", parts, "part", role, label_visibility="collapsed")
    dataset_id = str(getattr(study, role))
    found = cached.types(study, dataset_id)
    with shown():
        waiting.show(study, dataset_id)
    if found.job_id and found.job_id != session.get("job"):  # else its panel stands above
        job_panel(found.job_id, f"Naming the cells of {api.dataset(dataset_id).name}")
    if len(found.table):
        with shown():
            _facts(found)
            picture.show(study, dataset_id, found, api.naming(study.id, dataset_id))
            _vocabulary(study, dataset_id)
    st.subheader("Name them another way", anchor=False)
    with shown():
        ways.show(study, dataset_id)
    if len(found.table):
        st.subheader("Edit names", anchor=False)
        with shown():
            edit.show(study, dataset_id, found)
    with shown():
        waiting.earlier(study, dataset_id)


def _linked(study: StudyRecord) -> str:
    """The part that the job of a link names the cells of."""
    try:
        asked = api.job(session.get("job") or "").params.get("dataset")
    except NotFound:
        asked = None
    return "reference" if asked == study.reference else "validation" if asked == study.validation else "tissue"


def _facts(found: api.CellTypes) -> None:
    types = found.table["type"].astype(str)
    sizes = types[types != api.UNSURE].value_counts()
    numbered = bool(len(sizes)) and bool(sizes.index.str.fullmatch(NUMBERED).all())
    unsure = float((types == api.UNSURE).mean())
    with st.grid(4, min_column_width=140):
        st.metric("Cells", f"{len(types):,}", border=True)
        st.metric("Groups, not named" if numbered else "Types", f"{len(sizes):,}", border=True)
        if not numbered:
            st.metric("Unsure", f"{unsure:.1%}", border=True)
        if len(sizes):
            st.metric(f"Smallest: {plain(sizes.index[-1])}", count(int(sizes.iloc[-1]), "cell"), border=True)
    if unsure >= MANY_UNSURE:
        st.info(
            f"{unsure:.0%} of the cells have no name: few counts, several types in one outline, or a type that the "
            "atlas lacks. *Where to doubt* shows where they lie, and lists groups that the atlas does not know, with "
            "their markers; another atlas, or your own marker genes, may name them.",
            icon=":material/help:",
        )
    single = [str(name) for name in sizes.index[sizes == 1]]
    if single:
        listed = ", ".join(map(plain, single[:5])) + (", …" if len(single) > 5 else "")
        st.info(
            f"{count(len(single), 'type')} with a single cell ({listed}): nothing can be tested on one cell. Merge it "
            "with its like under *Edit names*, or leave it.",
            icon=":material/info:",
        )


def _vocabulary(study: StudyRecord, dataset_id: str) -> None:
    """Names that the atlas writes differently."""
    same = api.same_names(study.id, dataset_id)
    if not same:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="vocabulary"):
        told = "; ".join(
            f"**{plain(ours)}** here, **{plain(theirs)}** there" for ours, theirs in list(same.items())[:6]
        )
        more = f"; and {len(same) - 6} more" if len(same) > 6 else ""
        st.markdown(f":material/translate: Tissue and atlas seem to call the same types differently: {told}{more}.")
        if st.button("Take over the atlas's names", key=f"same.{dataset_id}"):
            waiting.start(study, api.edit_types(study.id, dataset_id, same))
