"""A look at nine genes: the best, typical and the worst of those that were hidden."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from backend import api
from backend.figures.imputed import quality as figures
from backend.records import RunRecord, StudyRecord
from pages.components.cached import imputed
from pages.components.figure_card import figure_card
from pages.components.words import provenance

EACH = 3
READ = """Pairs of small maps: left what was measured, right what was imputed by a fit that did not see the gene
(dashed frame). Squares of 25 µm are averaged. Three rows: the best genes by held-out r, those in the middle, and the
worst. Each picture has its own range of colours, from its 1 % to its 99 %: compare *where*, not *how much*."""
FOOL = """The eye forgives: two maps of one tissue look alike by its outline and its dense parts alone. Look at the
typical row first, and at the worst: the best three are what a paper would print."""


def show(study: StudyRecord, run: RunRecord, hidden: pd.DataFrame) -> None:
    chosen = pick(hidden)
    pairs = [_pair(study, run, *row) for row in chosen.itertuples(index=False)]
    draw = partial(figures.gallery, imputed.places(run), pairs, "Best, typical and worst genes")
    where = f"{api.dataset(run.tissue).name}: each gene as the fold that hid it imputes it"
    caption = provenance(run, api.dataset(run.tissue).n_cells, where)
    figure_card(draw, "gallery", caption, read=READ, fool=FOOL, table=chosen, least_px=900)


def pick(hidden: pd.DataFrame, each: int = EACH) -> pd.DataFrame:
    """group, gene, score: the genes of best, middle and worst held-out score, none of them twice."""
    ranked = hidden.dropna(subset="score").sort_values("score", ascending=False, ignore_index=True)[["gene", "score"]]
    if len(ranked) < 3 * each:
        each = len(ranked) // 3
    middle = (len(ranked) - each) // 2
    rows = {
        "Best": range(each),
        "Typical": range(middle, middle + each),
        "Worst": range(len(ranked) - each, len(ranked)),
    }
    parts = [ranked.iloc[list(at)].assign(group=group) for group, at in rows.items()]
    return pd.concat(parts, ignore_index=True)[["group", "gene", "score"]]


def _pair(study: StudyRecord, run: RunRecord, group: str, gene: str, score: float) -> figures.Pair:
    layers = imputed.layers(study, run, gene)
    measured = layers.measured if layers.measured is not None else np.full(len(layers.imputed), np.nan)
    return figures.Pair(gene, group, score, measured, layers.imputed)
