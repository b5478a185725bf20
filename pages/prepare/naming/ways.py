"""Five ways to name cells, each with its small form and one button."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from backend import api
from backend.records import StudyRecord
from pages.components import cached, session
from pages.components.choice import distinct, segments
from pages.components.words import plain
from pages.prepare.naming import review, waiting

WAYS = {
    "transfer": "From the atlas", "markers": "My marker genes", "model": "CellTypist model", "leiden": "By expression",
    "groups": "A file of cell groups",
}  # fmt: skip
EXAMPLE = "T cell: CD3D, CD3E, CD2\nB cell: MS4A1, CD79A\nFibroblast: COL1A1, DCN"


def show(study: StudyRecord, dataset_id: str) -> None:
    ways = {way: label for way, label in WAYS.items() if way != "transfer" or dataset_id != study.reference}
    way = session.one_of("how", list(ways)) or "leiden"
    segments("How", ways, "how", way, label_visibility="collapsed")
    with st.container(border=True, key=f"way-{way}"):
        {"transfer": _transfer, "leiden": _leiden, "markers": _markers, "model": _model, "groups": _groups}[way](
            study, dataset_id
        )


def _transfer(study: StudyRecord, dataset_id: str) -> None:
    atlas = api.dataset(study.reference)
    st.markdown(
        f"Every cell gets the type of the cells of **{plain(atlas.name)}** that it is most like, with a probability. "
        "Where none is likely it is called *unsure*; groups of cells that the atlas does not know are listed."
    )
    if _go("Transfer the atlas's types", "transfer"):
        waiting.start(study, api.annotate(study.id, dataset_id, "transfer"))


def _leiden(study: StudyRecord, dataset_id: str) -> None:
    st.markdown("Cells of similar expression become one group each (Leiden): numbered, for you to name below.")
    resolution = _resolution("leiden")
    if _go("Group the cells", "leiden"):
        waiting.start(study, api.annotate(study.id, dataset_id, "leiden", resolution))


def _markers(study: StudyRecord, dataset_id: str) -> None:
    text = st.text_area(
        "One type per line, or a table of two columns: type, gene",
        placeholder=EXAMPLE,
        height=160,
        max_chars=200_000,
        key=f"lists.{dataset_id}",
    )
    good = bool(text.strip()) and review.problems(text, dataset_id)
    resolution = _resolution("markers")
    st.caption("Nothing is renamed yet: first you see what the lists suggest for each group of similar cells.")
    if _go("Score the lists", "markers", off=not good):
        waiting.start(study, api.name_by_markers(study.id, dataset_id, text, resolution))


def _model(study: StudyRecord, dataset_id: str) -> None:
    st.markdown(
        "A CellTypist model, as a table. Its own `.pkl` is not opened here, since a pickle can run any program; these "
        "lines, run where you have celltypist, write the table:"
    )
    st.code(api.CONVERT_MODEL, language="python")
    path = _file("model", ["csv", "gz", "tsv", "parquet", "pkl"])
    vote = st.toggle("Each group of similar cells takes its commonest type", key="vote", help="Majority voting.")
    if _go("Apply the model", "model", off=path is None) and path:
        waiting.start(study, api.name_by_model(study.id, dataset_id, _stored(path), vote=vote))


def _groups(study: StudyRecord, dataset_id: str) -> None:
    cells = ", ".join(f"**{plain(name)}**" for name in cached.types(study, dataset_id).table["cell"][:2])
    st.markdown(
        "A CSV with the columns `cell_id` and `group`, and perhaps `color`, as Xenium Explorer exports it. "
        + (f"The cells are called like {cells} here." if cells else "")
    )
    path = _file("groups", ["csv", "gz", "tsv", "txt"])
    if _go("Take these names", "groups", off=path is None) and path:
        waiting.start(study, api.import_groups(study.id, dataset_id, _stored(path)))


def _resolution(key: str) -> float:
    return float(
        st.slider("Resolution", 0.1, 5.0, 1.0, 0.1, key=f"resolution.{key}", help="Higher: more, smaller groups.")
    )


def _go(label: str, key: str, off: bool = False) -> bool:
    return bool(st.button(label, type="primary", icon=":material/play_arrow:", key=f"go.{key}", disabled=off))


def _file(key: str, types: list[str]) -> object | None:
    """An uploaded file, or one of the server's."""
    with st.grid(2, min_column_width=280):
        uploaded = st.file_uploader("From this computer", type=types, key=f"{key}.upload")
        there = [path for path in api.server_files() if path.name.lower().endswith(tuple(types))]
        names = distinct({str(path): path.name for path in there})
        picked = st.selectbox(
            "Or from the server's folder", list(names), index=None, format_func=names.__getitem__, key=f"{key}.server",
            disabled=not names,
        )  # fmt: skip
    return uploaded or (Path(picked) if picked else None)


def _stored(file: object) -> Path:
    return file if isinstance(file, Path) else api.save_upload(file.name, file)  # type: ignore[attr-defined, arg-type]
