"""The study that is open: its map, one box for a gene, and the checklist with the next step."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from backend import api
from backend.figures import maps
from backend.figures.points import Measure, Places
from backend.records import RunRecord, StudyRecord
from pages.components import cached, session
from pages.components.figure_card import Draw, figure_card
from pages.components.words import count, plain
from pages.start import steps

READ = """Each point stands where the cell was; the bar gives the scale, and sections stand side by side. A type has
the same colour on every page."""
FOOL = """Names that were transferred are predictions. Where cells lie dense, some hide others: zoom in."""
READ_GENE = """Each point is a cell; its colour says how much of the gene was counted in it (log of one plus the count,
or the data's own scale)."""
FOOL_GENE = """Few transcripts are caught per cell: a dark cell may well express the gene. Larger cells catch more."""
READ_SHARE = """Every cell of a type has the same colour: the share of the atlas's cells of that type in which the gene
was seen. It tells types apart, not cells. Cells without a name, or of a type that the atlas lacks, are grey."""
FOOL_SHARE = """Nothing of the gene was measured here. The atlas comes from other people and another machine, and what
the neighbourhood does to a cell is not in it. If the names are wrong, so is the map."""


def show(study: StudyRecord, run: RunRecord | None) -> None:
    left, right = st.columns([7, 3], gap="medium")
    with left:
        _tissue(study)
    with right:
        steps.show(study, run)


def _tissue(study: StudyRecord) -> None:
    gene = (session.get("gene") or "").strip()
    st.text_input(
        "Gene", type="search", placeholder="Any gene, such as CXCR4; empty: the cell types", max_chars=60,
        **session.bound("gene", gene),
    )  # fmt: skip
    if not gene:
        _types(study)
        return
    hit = api.find_gene(study.id, None, gene)
    name = hit.name or gene
    if hit.status == "on your panel":
        st.caption(f"**{plain(name)}** is on your panel: measured, cell by cell.")
        _measured(study, name)
    elif hit.status == "in the reference":
        _by_type(study, name)
    else:
        st.warning(f"**{plain(gene)}** is neither on your panel nor in the atlas.", icon=":material/search_off:")
        picked = st.pills("Perhaps you meant", list(hit.suggestions), key=f"meant.{gene}") if hit.suggestions else None
        if picked:
            session.put("gene", picked)
            st.rerun()
        _types(study)


def _places(study: StudyRecord) -> Places:
    obs = cached.obs(study.tissue)
    return Places(obs["x_um"], obs["y_um"], obs["section"])


def _types(study: StudyRecord) -> None:
    record, types = api.dataset(study.tissue), cached.names(study, study.tissue)
    draw = partial(maps.map_types, _places(study), types, cached.colours(study), "Cell types")
    unit = "spot" if record.spots else "cell"
    caption = f"{record.name}: {count(record.n_cells, unit)}. {cached.types(study, study.tissue).source}"
    _card(study, draw, "home-types", caption, READ, FOOL, {"type": types})


def _measured(study: StudyRecord, gene: str) -> None:
    record, values = api.dataset(study.tissue), cached.values(study.tissue, gene)
    counts = record.scale == "counts"
    measure = Measure(np.log1p(values) if counts else values, gene, "log(1 + count)" if counts else record.scale)
    draw = partial(maps.map_values, _places(study), measure, f"{gene} in the cell")
    seen = float(np.mean(values > 0))
    caption = f"{record.name}: {count(record.n_cells, 'cell')}, measured; seen in {seen:.0%} of them."
    _card(study, draw, "home-gene", caption, READ_GENE, FOOL_GENE, {gene: values})


def _by_type(study: StudyRecord, gene: str) -> None:
    """A gene that the panel lacks: what the atlas says of each type."""
    share = api.atlas_by_type(study.id, gene)["share"]
    types = cached.names(study, study.tissue)
    values = pd.Series(types).map(share).to_numpy(dtype=np.float32)
    top = ", ".join(f"{plain(name)} ({part:.0%})" for name, part in share.nlargest(3).items())
    st.info(
        f"**{plain(gene)}** is not on your panel. It can be imputed by cell type from the atlas, where it was seen "
        f"most often in {top}. **Verdict:** it tells types apart and no more; nothing checks it against your tissue.",
        icon=":material/info:",
    )
    known = float(np.isfinite(values).mean())
    if known == 0:
        st.markdown("The tissue's cells have no names that the atlas knows: name them from the atlas first.")
        _types(study)
        return
    measure = Measure(values, gene, "share of the type's atlas cells", predicted=True, limits=(0.0, float(share.max())))
    draw = partial(maps.map_values, _places(study), measure, f"{gene} by cell type, from the atlas")
    atlas = api.dataset(study.reference)
    caption = (
        f"{count(len(types), 'cell')}, {known:.0%} of them of a type that {atlas.name} holds "
        f"({count(atlas.n_cells, 'cell')}): imputed by type, not measured and not scored."
    )
    _card(study, draw, "home-atlas-gene", caption, READ_SHARE, FOOL_SHARE, {"type": types, f"{gene} (imputed)": values})


def _card(
    study: StudyRecord, draw: Draw, key: str, caption: str, read: str, fool: str, columns: dict[str, np.ndarray]
) -> None:
    obs = cached.obs(study.tissue)
    table = obs[["section", "x_um", "y_um"]].assign(**columns).reset_index()
    figure_card(draw, key, caption, read=read, fool=fool, table=table)
