"""Centroids by a name that means something: their number and the type of most of their cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend import api
from backend.figures.palette import GREY
from backend.records import RunRecord, StudyRecord
from pages.components import cached


@dataclass(frozen=True)
class Centroids:
    """cells: the reference's cells (centroid, umap_1, umap_2, type). table: one row per centroid, by number: name,
    type, cells, umap_1, umap_2 (means of its cells), colour."""

    cells: pd.DataFrame
    table: pd.DataFrame
    colours: dict[str, str]

    @property
    def names(self) -> dict[int, str]:
        return dict(zip(map(int, self.table.index), self.table["name"].astype(str)))

    def types_of(self, numbers: NDArray[np.integer]) -> NDArray[np.str_]:
        """The type of each centroid asked for; "none" for -1."""
        return self.table["type"].reindex(numbers).fillna("none").to_numpy(dtype=str)


def centroids_of(study: StudyRecord, run: RunRecord) -> Centroids:
    """Of a run that attends. The reference's types are those in use in the study, where there are any."""
    cells = cached.left(api.imputed.centroids, run.id)
    assert cells is not None
    types = cached.names(study, run.reference) if run.reference in study.parts else cells["type"].to_numpy(dtype=str)
    cells = cells.assign(type=np.where(types == "", "unknown", types))
    members = cells[cells["centroid"] >= 0].groupby("centroid")
    table = members[["umap_1", "umap_2"]].mean()
    table["cells"] = members.size()
    table["type"] = members["type"].agg(lambda names: names.value_counts().index[0])
    table["name"] = [f"{int(number) + 1} · {type_}" for number, type_ in zip(table.index, table["type"])]
    colours = cached.colours(study)
    table["colour"] = table["type"].map(colours).fillna(GREY)
    return Centroids(cells, table, colours)
