"""Versions of a data set: its cells judged, cut, divided into sections, or fewer of them. The old ones stay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.api._checks import MAX_NAME, check_name
from backend.api._datasets import archive_dataset, dataset, datasets
from backend.datasets.versions.kept import Kept
from backend.datasets.versions.measures import KNOWN, measure_table
from backend.datasets.versions.suggest import SuggestedCut, suggest
from backend.errors import UserError
from backend.jobs import submit
from backend.records import Area, DatasetRecord, JobState, JobStatus, Recipe
from backend.store import index, layout, matrix

_MEASURED = ("counts", "genes", "x_um", "y_um", "umap_1", "umap_2", *(measure.name for measure in KNOWN))
# What reads matrices is imported when one is read: the command line must answer in half a second.


P = ParamSpec("P")
T = TypeVar("T")


def _remembered(most: int) -> Callable[[Callable[Concatenate[str, P], T]], Callable[Concatenate[str, P], T]]:
    """Keep the last `most` answers: a data set never changes, and a slider asks for the same again and again. By
    folder, since another data root may hold another data set of the same id."""

    def remember(read: Callable[Concatenate[str, P], T]) -> Callable[Concatenate[str, P], T]:
        @lru_cache(maxsize=most)
        def kept(folder: Path, dataset_id: str, *args: P.args, **named: P.kwargs) -> T:
            return read(dataset_id, *args, **named)

        @wraps(read)
        def asked(dataset_id: str, *args: P.args, **named: P.kwargs) -> T:
            return kept(layout.dataset_folder(dataset_id), dataset_id, *args, **named)  # type: ignore[arg-type]

        return asked  # type: ignore[return-value]

    return remember


def measures(dataset_id: str) -> pd.DataFrame:
    """One row per cell: those of counts, genes, area_um2, volume, control_share and mito_share that are known."""
    return _measures(dataset(dataset_id).id)


@_remembered(8)
def _measures(dataset_id: str) -> pd.DataFrame:
    return measure_table(dataset_id)


def suggested_cuts(dataset_id: str) -> list[SuggestedCut]:
    """A `SuggestedCut` per measure (measure, title, unit, least, most, reason, drops), by 3 MADs from the median."""
    return list(_suggested(dataset(dataset_id).id))


@_remembered(32)
def _suggested(dataset_id: str) -> tuple[SuggestedCut, ...]:
    return tuple(suggest(dataset(dataset_id)))


def count_kept(dataset_id: str, recipe: Recipe, types: Sequence[str] | None = None) -> Kept:
    """What a recipe would keep, as `Kept` (mask, n, dropped_by, notes, sections, by(names)); nothing is made.

    types: one per cell, for `most_cells`. Raises `UserError` for columns, values and areas that do not fit."""
    from backend.datasets.versions.select import check_columns, needed, select

    record = dataset(dataset_id)
    check_columns(recipe, _columns(dataset_id))
    names = None if types is None else np.asarray(types, dtype=object)
    if names is None and recipe.most_cells and recipe.balance_by:
        from backend.datasets.versions.make import balancing_types

        names = balancing_types(record, recipe.balance_by)
    return select(_table(dataset_id, tuple(needed(recipe))), recipe, record, names)


@_remembered(8)
def _table(dataset_id: str, columns: tuple[str, ...]) -> pd.DataFrame:
    return matrix.obs(dataset_id, columns)


@_remembered(64)
def _columns(dataset_id: str) -> tuple[str, ...]:
    return tuple(matrix.obs_columns(dataset_id))


def start_version(dataset_id: str, recipe: Recipe, name: str | None = None) -> JobStatus:
    """Make a version, as a job; its result: `{"dataset": id, "cells": n, "of": n, "left_out": sentences}`. The same
    recipe on the same data gives the same version, and is worked out once."""
    from backend.datasets.versions.select import check_columns

    record = dataset(dataset_id)
    if recipe.empty:
        raise UserError(f"Nothing of {record.name!r} would change.", "The recipe is empty.", "Choose what to change.")
    check_columns(recipe, _columns(dataset_id))
    name = check_name(name) if name else _name(record, recipe)
    params = {"dataset": record.id, "recipe": recipe.model_dump(mode="json"), "name": name}
    done = submit.submit("version", params)
    if done.state is not JobState.SUCCEEDED:
        return done
    # As with files: the version may have been deleted or put away since it was made.
    made = index.find(DatasetRecord, str(done.result.get("dataset")))
    if made is None:
        submit.forget(done.id)
        return submit.submit("version", params)
    if made.archived:
        archive_dataset(made.id, archived=False)
    return done


def _name(record: DatasetRecord, recipe: Recipe) -> str:
    """The name of the first data set, and what was done: "Lung (QC, sections)"."""
    done = {
        "QC": recipe.cuts or recipe.where,
        "sections": recipe.columns or recipe.areas or recipe.gap_um,
        "region": recipe.regions,
        f"{recipe.most_cells or 0:,} cells": recipe.most_cells,
    }
    base = recipe_of(record.id)[0] if record.parent else record
    while base.parent and (parent := index.find(DatasetRecord, base.parent)):
        base = parent
    ending = f" ({', '.join(what for what, asked in done.items() if asked)})"
    return base.name[: MAX_NAME - len(ending)].rstrip() + ending


def recipe_of(dataset_id: str) -> tuple[DatasetRecord, Recipe]:
    """Where a change of a data set starts from: its parent and the recipe it was made by, so that a step that is
    opened again shows what was chosen, and its choices can be loosened. Itself and an empty recipe where it is no
    version, or its parent was deleted."""
    record = dataset(dataset_id)
    parent = index.find(DatasetRecord, record.parent) if record.parent else None
    return (parent, record.recipe) if parent and record.recipe else (record, Recipe())


def root_of(record: DatasetRecord) -> str:
    """The id of the data set that this is a version of, at first hand or through others; its own where it is none."""
    while record.parent and (parent := index.find(DatasetRecord, record.parent)):
        record = parent
    return record.parent or record.id


def versions(dataset_id: str) -> list[DatasetRecord]:
    """All versions of the same data set, oldest first, with the first one and those put away."""
    root = root_of(dataset(dataset_id))
    return [record for record in datasets(archived=True) if root_of(record) == root]


@dataclass(frozen=True)
class Groupings:
    """Columns that divide the cells. values: column -> how many cells have each value, most first. too_many: columns
    of text or whole numbers with more than 200 different values -> how many."""

    values: dict[str, dict[str, int]]
    too_many: dict[str, int]


@_remembered(16)
def groupings(dataset_id: str) -> Groupings:
    """What the cells can be chosen and divided by."""
    from backend.datasets.checks.columns import groups
    from backend.datasets.naming.labels import MOST_TYPES

    values: dict[str, dict[str, int]] = {}
    too_many: dict[str, int] = {}
    for column in _columns(dataset(dataset_id).id):
        if column in _MEASURED:
            continue
        found = matrix.obs(dataset_id, [column])[column]
        number = groups(found)
        if number <= MOST_TYPES:
            counts = found.value_counts()
            values[column] = {str(value): int(cells) for value, cells in counts.items() if cells}
        elif np.isfinite(number):
            too_many[column] = int(number)
    return Groupings(values, too_many)


def cells_inside(xy: NDArray[np.floating[Any]], corners: Sequence[Sequence[float]]) -> NDArray[np.bool_]:
    """Which of n x 2 points lie inside a drawn polygon."""
    from backend.datasets.versions.areas import inside

    return inside(xy, corners)


@dataclass(frozen=True)
class SuggestedSections:
    """names: the section that each cell would belong to. table: name, cells. several: whether any section falls into
    pieces. said: what was found, in a sentence. gap_um: the empty space that divides, for a recipe."""

    names: NDArray[np.object_]
    table: pd.DataFrame
    several: bool
    said: str
    gap_um: float


@_remembered(4)
def suggested_sections(dataset_id: str, gap_um: float | None = None) -> SuggestedSections:
    """Separate tissues on one slide, by the empty space between them; by default 12 times the distance of neighbours,
    at least 100 um."""
    from backend.datasets.versions.areas import default_gap_um

    record = dataset(dataset_id)
    gap = gap_um or default_gap_um(record.neighbour_um)
    kept = count_kept(dataset_id, Recipe(gap_um=gap))
    table = kept.sections[["name", "cells"]]
    several = len(table) > max(1, len(record.sections))
    if not several:
        said = f"No section falls into pieces with {gap:,.0f} µm of empty space between them."
    else:
        smallest, largest = int(table["cells"].min()), int(table["cells"].max())
        said = (
            f"These look like {len(table)} tissues: at least {gap:,.0f} µm of empty space lie between them. "
            f"They hold {smallest:,} to {largest:,} cells."
        )
    return SuggestedSections(kept.section, table, several, said, gap)


def suggested_region(dataset_id: str, n_cells: int, types: Sequence[str] | None = None) -> Area:
    """A square around about `n_cells` contiguous cells of one section that shows as many kinds of cells as can be.

    types: one per cell; by default those that the data name, else depth and variety stand in for them."""
    from backend.datasets.versions.region import best_window

    record = dataset(dataset_id)
    table = _table(dataset_id, ("x_um", "y_um", "section", "type", "counts", "genes"))
    if "x_um" not in table:
        raise UserError(f"{record.name!r} has no coordinates.", "A region is part of a tissue.", "Choose a tissue.")
    if not n_cells >= 10:
        raise UserError("A region has at least 10 cells.", mend="Ask for more.")
    names = np.asarray(types, dtype=object) if types is not None else None
    if names is None and "type" in table:
        names = np.asarray(table["type"].astype(str), dtype=object)
    return best_window(table, n_cells, names)


@_remembered(32)
def sampled(dataset_id: str) -> str | None:
    """What it means for neighbourhoods that the file holds only a sample of the tissue's cells; None where it seems
    whole."""
    from backend.datasets.versions.sampled import sampled as judge

    return judge(dataset(dataset_id))
