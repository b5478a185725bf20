"""The study that is open: its map, one box for a gene, and the checklist with the next step."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from backend import api
from backend.figures import maps
from backend.figures.points import Measure, Places
from backend.records import JobState, RunRecord, StudyRecord
from pages.components import cached, session
from pages.components.figure_card import Draw, figure_card
from pages.components.words import count, plain
from pages.start import imputed_gene, steps

NUMBERED = r"cluster \d+"
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


def show(study: StudyRecord, run: RunRecord | None, blue: bool) -> None:
    """blue: the next step is a step of this study."""
    left, right = st.columns([7, 3], gap="medium")
    with left:
        _tissue(study)
    with right:
        steps.show(study, run, blue)


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
    elif hit.status == "seen in no cell":
        st.info(f"**{plain(name)}** is on your panel and was seen in no cell of the tissue.", icon=":material/info:")
        _types(study)
    elif hit.status == "in the reference":
        run = imputed_gene.chosen_run(study, name)
        if run:
            imputed_gene.show(study, run, name)
        else:
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
    """A gene that the panel lacks: what the atlas says of each type. Numbered groups have no name in common."""
    share = api.atlas_by_type(study.id, gene)["share"]
    share = share[~share.index.str.fullmatch(NUMBERED)]
    types = cached.names(study, study.tissue)
    values = pd.Series(types).map(share).to_numpy(dtype=np.float32)
    unlike = _without_counterpart(study, len(values))
    values[unlike] = np.nan
    known = float(np.isfinite(values).mean())
    if known == 0:
        st.info(
            f"**{plain(gene)}** is not on your panel; the atlas measured it. It can be shown by cell type once tissue "
            "and atlas call their types by the same names: see *Prepare*, *Cell names*.",
            icon=":material/info:",
        )
        _types(study)
        return
    top = ", ".join(f"{plain(name)} ({part:.0%})" for name, part in share.nlargest(3).items())
    st.info(
        f"**{plain(gene)}** is not on your panel. It can be imputed by cell type from the atlas, where it was seen "
        f"most often in {top}. **Verdict:** it tells types apart and no more; nothing checks it against your tissue. "
        "*Train*, *In the cell* imputes it cell by cell.",
        icon=":material/info:",
    )
    measure = Measure(values, gene, "share of the type's atlas cells", predicted=True, limits=(0.0, float(share.max())))
    draw = partial(maps.map_values, _places(study), measure, f"{gene} by cell type, from the atlas")
    atlas = api.dataset(study.reference)
    caption = (
        f"{count(len(types), 'cell')}, {known:.0%} of them of a type that {atlas.name} holds "
        f"({count(atlas.n_cells, 'cell')}): imputed by type, not measured and not scored."
    )
    if unlike.any():
        caption += f" {count(int(unlike.sum()), 'cell')} of types without a counterpart in the atlas are left grey."
    _card(study, draw, "home-atlas-gene", caption, READ_SHARE, FOOL_SHARE, {"type": types, f"{gene} (imputed)": values})


def _without_counterpart(study: StudyRecord, n_cells: int) -> NDArray[np.bool_]:
    """Cells whose like the atlas does not hold, as the match found; none where nothing was matched."""
    job = api.find_match(study.id)
    if job is None or job.state is not JobState.SUCCEEDED:
        return np.zeros(n_cells, dtype=bool)
    return ~cached.left(api.match, job.id).cells["counterpart"].to_numpy(dtype=bool)


def _card(
    study: StudyRecord, draw: Draw, key: str, caption: str, read: str, fool: str, columns: dict[str, np.ndarray]
) -> None:
    obs = cached.obs(study.tissue)
    table = obs[["section", "x_um", "y_um"]].assign(**columns).reset_index()
    figure_card(draw, key, caption, read=read, fool=fool, table=table)
