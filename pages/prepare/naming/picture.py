"""The cells by their names, and where the names may be wrong."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from backend import api
from backend.figures import embeddings, maps
from backend.figures.points import Measure, Places
from backend.figures.prepare import doubt as sure
from backend.records import StudyRecord
from pages.components import cached, session
from pages.components.choice import segments
from pages.components.figure_card import Draw, figure_card
from pages.prepare.naming import doubt

LOOKS = {"types": "Types", "doubt": "Where to doubt"}
READ = """Each point is a cell, coloured by its name; grey cells have none. A dashed frame: the names were predicted,
not given. On a map, types should form layers, vessels, glands or follicles as you know them from histology."""
FOOL = """A name is only as good as what it was made from: a type that the atlas or the lists lack cannot be found, and
its cells take another name or none. Cells cut by the section's plane or badly segmented look like mixtures."""
READ_DOUBT = """Each point is a cell; its colour is the probability that its name is wrong. Light cells, drawn on top,
are the doubtful ones; beyond the limit they are called unsure. Doubt that follows a structure of the tissue often is a
type that the atlas lacks."""
FOOL_DOUBT = """A probability weighs the names there are against each other; a cell of a type that the atlas lacks can
still seem sure. Cells with few counts are doubtful whatever they are."""


def show(study: StudyRecord, dataset_id: str, found: api.CellTypes, naming: api.Naming | None) -> None:
    known = bool(found.table["probability"].notna().any())
    look = "types"
    if naming and (known or doubt.has(naming)):
        look = session.one_of("look", list(LOOKS), "types") or "types"
        segments("Show", LOOKS, "look", look, label_visibility="collapsed")
    if look == "types" or not known:
        _types(study, dataset_id, found, bool(naming and naming.predicted))
    else:
        _probability(dataset_id, found)
    if naming and look == "doubt":
        doubt.show(study, dataset_id, naming)


def _drawn(dataset_id: str, found: api.CellTypes) -> tuple[Places, pd.DataFrame]:
    """Where the cells are drawn, and the table that one can take home."""
    obs, record = cached.obs(dataset_id), api.dataset(dataset_id)
    axes = ["umap_1", "umap_2"] if record.role == "reference" else ["x_um", "y_um"]
    table = found.table.copy()
    for name in axes:
        table[name] = obs[name].to_numpy() if name in obs else float("nan")
    x, y = (table[name] for name in axes)
    if record.role == "reference":
        return Places(x, y, upright=True), table
    return Places(x, y, obs.get("section")), table


def _types(study: StudyRecord, dataset_id: str, found: api.CellTypes, predicted: bool) -> None:
    record = api.dataset(dataset_id)
    places, table = _drawn(dataset_id, found)
    names, colours = table["type"].astype(str), cached.colours(study)
    title = f"Cells of {record.name} by {'predicted ' if predicted else ''}type"
    draw: Draw = partial(maps.map_types, places, names, colours, title, predicted=predicted)
    if places.upright:
        if not table["umap_1"].notna().any():
            st.info("The atlas is too small for a map of its cells; the table below names them.")
            return
        draw = partial(embeddings.embed_types, places.x, places.y, names, colours, title)
        if predicted:
            draw = partial(sure.embed_predicted, places, names, colours, title)
    caption = f"{len(table):,} cells · {found.source}"
    figure_card(draw, "names", caption, read=READ, fool=FOOL, table=table)


def _probability(dataset_id: str, found: api.CellTypes) -> None:
    record = api.dataset(dataset_id)
    places, table = _drawn(dataset_id, found)
    # Doubt, not probability: high values lie on top, and the doubtful cells are those one looks for.
    measure = Measure(1 - table["probability"], "doubt", "1 − probability of the name", predicted=True, limits=(0, 1))
    title = f"Where to doubt the names in {record.name}"
    draw: Draw = partial(maps.map_values, places, measure, title)
    if places.upright:
        draw = partial(embeddings.embed_values, places.x, places.y, measure, title)
    known = int(table["probability"].notna().sum())
    figure_card(draw, "doubt", f"{known:,} cells · {found.source}", read=READ_DOUBT, fool=FOOL_DOUBT, table=table)
