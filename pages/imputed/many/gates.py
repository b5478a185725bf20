"""Gates: which cells are "CD8A+ and CXCL13+", where they lie and what types they are."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from backend import api
from backend.figures.imputed import gates as figures
from backend.figures.points import Measure
from backend.records import RunRecord, StudyRecord
from pages.components import cached, session
from pages.components.cached import imputed
from pages.components.figure_card import figure_card
from pages.components.words import count, plain, provenance
from pages.imputed.many import chosen

READ = """Coloured cells pass every part of the gate. A gene that was measured counts as + where it was detected; an
imputed one where it is at or above its threshold, which at first lets as many cells pass as show the gene in the atlas
(or, on your panel, in the tissue)."""
FOOL = """A cell without a count of a gene may express it all the same: dropouts make gates too small. Imputed values
have no natural zero: the threshold is yours, so say it. A combination of two imputed genes is no measured
co-expression."""
BARS = "The share of each type's cells that pass, with its 95 % interval; in brackets, how many cells the type has."
FEW = "A type of few cells has a wide interval. Types named from these very genes pass by definition."
MOST = 4


@dataclass(frozen=True)
class Part:
    """One condition. threshold: None, until one is worked out."""

    gene: str
    above: bool = True
    threshold: float | None = None

    @property
    def name(self) -> str:
        return f"{self.gene}{'+' if self.above else '−'}"

    def passed(self, values: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Cells without a value pass neither + nor −."""
        assert self.threshold is not None
        return values >= self.threshold if self.above else values < self.threshold


def parts_of(text: str, known: dict[str, str]) -> tuple[list[Part], list[str]]:
    """`CD8A+ at 0.4 and CXCL13-` as parts, and the names that nobody knows. known: name in lower case -> gene. A name
    without a sign is +."""
    parts, strange = [], []
    for piece in filter(str.strip, re.split(r",|;|&|\band\b", text, flags=re.IGNORECASE)):
        name, _, least = (side.strip() for side in piece.partition(" at "))
        gene = known.get(name.rstrip("+-−").casefold())
        if gene is None:
            strange.append(name)
            continue
        number = float(least) if re.fullmatch(r"-?\d+(\.\d+)?", least) else None
        parts.append(Part(gene, not name.endswith(("-", "−")), number))
    return parts[:MOST], strange


def as_text(parts: list[Part]) -> str:
    return " and ".join(f"{part.name} at {part.threshold:.3g}" for part in parts)


def show(study: StudyRecord, run: RunRecord) -> None:
    table = imputed.genes(run)
    text = session.get("gate") or " and ".join(f"{gene}+" for gene in chosen.start(table, 2))
    told = "Names with + or −, and a threshold where you want one: `CD8A+ at 0.4 and CXCL13-`."
    st.text_input("Gate", width=520, help=told, **session.bound("gate", text))
    held_out = chosen.choose_panel()
    parts, strange = parts_of(text, {str(gene).casefold(): str(gene) for gene in table["gene"]})
    if strange:
        st.warning(f"Not among this run's genes: {plain(', '.join(strange))}.", icon=":material/search_off:")
    if not parts:
        return
    chosen.badges(run, [part.gene for part in parts])
    measures = [chosen.measure(study, run, part.gene, held_out) for part in parts]
    facts = table.set_index("gene")
    parts = [_settled(part, measure, facts.loc[[part.gene]].iloc[0]) for part, measure in zip(parts, measures)]
    with st.grid(2, min_column_width=300):
        for place, measure in enumerate(measures):
            _slider(parts, place, measure)
    passed = np.all([part.passed(measure.values) for part, measure in zip(parts, measures)], axis=0)
    _figures(study, run, parts, measures, passed)


def _settled(part: Part, measure: Measure, facts: pd.Series) -> Part:
    """With a threshold: the one given; else detection for what was measured, and for what was imputed the value that as
    many cells reach as show the gene where it was measured."""
    if part.threshold is not None:
        return part
    known = measure.values[np.isfinite(measure.values)]
    if measure.predicted:
        share = facts["detection_tissue"] if facts["measured"] else facts["detection_reference"]
        return replace(part, threshold=float(np.quantile(known, 1 - float(np.clip(share, 0.001, 0.999)))))
    return replace(part, threshold=float(known[known > 0].min(initial=1.0)))


def _slider(parts: list[Part], place: int, measure: Measure) -> None:
    part, values = parts[place], measure.values
    low, high = (float(end) for end in (np.nanmin(values), np.nanmax(values)))
    key = f"gate.{place}.{part.gene}.{measure.predicted}"
    st.session_state[key] = float(np.clip(part.threshold or 0.0, low, max(high, low + 1e-3)))
    share = float(np.mean(part.passed(values[np.isfinite(values)])))
    kind = "imputed" if measure.predicted else "measured"
    st.slider(
        f"{plain(part.name)}, {kind}: {share:.1%} of cells",
        low, max(high, low + 1e-3), key=key, format="%.2f", on_change=_move, args=(parts, place, key),
    )  # fmt: skip


def _move(parts: list[Part], place: int, key: str) -> None:
    moved = replace(parts[place], threshold=st.session_state[key])
    session.put("gate", as_text([*parts[:place], moved, *parts[place + 1 :]]))


def _figures(
    study: StudyRecord, run: RunRecord, parts: list[Part], measures: list[Measure], passed: NDArray[np.bool_]
) -> None:
    gate = " and ".join(part.name for part in parts)
    types = imputed.layers(study, run, parts[0].gene).types.astype(str)
    obs, tissue = cached.obs(run.tissue), api.dataset(run.tissue)
    st.markdown(f"**{count(int(passed.sum()), 'cell')}** of {len(passed):,} ({passed.mean():.1%}) are {plain(gate)}.")
    caption = provenance(run, len(passed), f"{tissue.name}; {chosen.where(measures)}; gate: {as_text(parts)}")
    some = any(measure.predicted for measure in measures)
    draw = partial(figures.map_gate, imputed.places(run), passed, gate, gate, predicted=some)
    table = chosen.drawn(measures, obs.index).assign(passed=passed)
    figure_card(draw, "gate", caption, read=READ, fool=FOOL, table=table)
    known = np.isfinite([measure.values for measure in measures]).all(axis=0)
    shares = figures.shares_by_type(passed[known], types[known])
    draw = partial(figures.share_bars, shares, cached.colours(study), f"{gate}, by type")
    figure_card(draw, "gate-types", caption, read=BARS, fool=FEW, table=shares)
