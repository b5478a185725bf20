"""On the tissue: a gene's context as measured and as predicted for cells that the model did not see."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from backend import api
from backend.figures import maps
from backend.figures.points import Measure, Places
from backend.records import RunRecord, StudyRecord
from pages.components import cached
from pages.components.figure_card import Draw, figure_card
from pages.components.gene_search import gene_search
from pages.components.words import provenance

READ = """Each point is a cell; its colour says which share of the cells around it, weighted by nearness, expressed the
gene. Left and middle share one colour range, so the same colour is the same share. Right: orange where the model says
more than was measured, blue where it says less."""
FOOL = """A tissue with large regions makes any smooth map look right: compare with *type-mean* under Quality. Genes
that few cells express leave little to predict, and cells near a border have fewer neighbours."""


def show(study: StudyRecord, run: RunRecord) -> None:
    dataset_id = run.validation or run.tissue
    gene = gene_search(study, run)
    if not gene:
        return
    record, obs = api.dataset(dataset_id), cached.obs(dataset_id)
    predicted = cached.predicted(run.id, dataset_id, gene)
    measured = cached.measured(run.id, dataset_id, gene)
    where = (
        "validation tissue, not trained on" if run.validation else "tissue, each half predicted by the other's model"
    )
    places = Places(obs["x_um"], obs["y_um"], obs["section"])
    unit = "share of cells around"
    guess = Measure(predicted, gene, unit, predicted=True)
    title = f"{gene} around the cell"
    draw: Draw = partial(maps.map_values, places, guess, title)
    if measured is not None:
        draw = partial(maps.map_compared, places, Measure(measured, gene, unit), guess, title)
    drawn = pd.DataFrame({"cell": obs.index, "x_um": obs["x_um"].to_numpy(), "y_um": obs["y_um"].to_numpy()})
    drawn["predicted"], drawn["measured"] = predicted, np.nan if measured is None else measured
    caption = provenance(run, int(np.isfinite(predicted).sum()), f"{record.name}: {where}")
    figure_card(draw, "map", caption, read=READ, fool=FOOL, table=drawn, least_px=820)
