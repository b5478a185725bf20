"""Job handler: another version of a data set. What it was made from stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.datasets import canonical
from backend.datasets.canonical import MEASURES, OBS_NAMES, Canonical
from backend.datasets.checks.case import count
from backend.datasets.checks.columns import UNKNOWN
from backend.datasets.checks.places import measure as measure_spacing
from backend.datasets.naming.found import COLUMN, read_source
from backend.datasets.versions.kept import FEWEST_CELLS, Kept
from backend.datasets.versions.select import check_columns, select
from backend.errors import UserError
from backend.records import DatasetRecord, Recipe
from backend.store import index, matrix

if TYPE_CHECKING:
    from backend.training.job import Job

_MADE_ANEW = ("counts", "genes", "x_um", "y_um", "umap_1", "umap_2", *MEASURES)


def make(params: dict[str, Any], job: Job) -> dict[str, Any]:
    """params: dataset, recipe (JSON of `Recipe`), name. Returns `{"dataset": id, "cells": n, "of": n, "left_out":
    sentences, "known": whether it was here before}`. A recipe that changes nothing gives the data set itself.

    Raises `UserError` for columns, values and sections that are not there, and where fewer than 10 cells are left."""
    parent = index.get(DatasetRecord, params["dataset"])
    recipe = Recipe.model_validate(params["recipe"])
    job.stage("choosing the cells")
    obs = matrix.obs(parent.id)
    check_columns(recipe, obs.columns)
    kept = select(obs, recipe, parent, balancing_types(parent, recipe.balance_by))
    refuse_too_few(kept)
    job.stage("writing the version")
    written = canonical.write(_canonical(parent, recipe, obs, kept), params["name"], simulated=parent.simulated)
    fresh = index.add(written.model_copy(update={"archived": False}))
    record = index.update(DatasetRecord, written.id, lambda old: old.model_copy(update={"archived": False}))
    told = {"cells": record.n_cells, "of": parent.n_cells, "left_out": list(record.left_out)}
    return {"dataset": record.id, **told, "known": not fresh}


def balancing_types(record: DatasetRecord, source: str | None) -> NDArray[np.object_] | None:
    """The types of all cells that a recipe's `balance_by` names; None: those that the data name, if any. Raises
    `DataError` for an annotation that has not finished."""
    if source is None or (source == COLUMN and not record.has_types):
        return None
    types = read_source(record, source).cells["type"]
    return np.asarray(types.reindex(matrix.obs(record.id, []).index, fill_value=UNKNOWN).astype(str), dtype=object)


def refuse_too_few(kept: Kept) -> None:
    """Raises `UserError` that names the rule which dropped most where fewer than `FEWEST_CELLS` cells are left."""
    if kept.n >= FEWEST_CELLS:
        return
    dropped = {rule: number for rule, number in kept.dropped_by.items() if number}
    what = "No cell is left." if not kept.n else f"Only {kept.n} of {len(kept.reason):,} cells are left."
    why = f"A version has at least {FEWEST_CELLS}."
    if dropped:
        worst = max(dropped, key=lambda rule: dropped[rule])
        why += f" Most were dropped by this rule: {worst} ({dropped[worst]:,} cells)."
    raise UserError(what, why, "Loosen that rule. Nothing was changed.")


def _canonical(parent: DatasetRecord, recipe: Recipe, obs: pd.DataFrame, kept: Kept) -> Canonical:
    mask = kept.mask
    rows = obs[mask]
    table = _names_and_others(recipe, rows, kept)
    xy = rows[["x_um", "y_um"]].to_numpy(dtype=np.float64) if "x_um" in rows else None
    umap = rows[["umap_1", "umap_2"]].to_numpy(dtype=np.float32) if "umap_1" in rows else None
    gone = len(mask) - kept.n
    dropped = [f"{gone:,} of {len(mask):,} cells left out."] if gone else []
    dropped += [f"{count(number, 'cell')}: {rule}." for rule, number in kept.dropped_by.items() if number]
    values, _ = matrix.load_csr(parent.id)
    return Canonical(
        values=csr_matrix(values[mask]),  # all genes stay, so that the versions of a data set have the same
        genes=matrix.var(parent.id)[["symbol", "ensembl"]],
        obs=table,
        role=parent.role,
        species=parent.species,
        gene_ids=parent.gene_ids,
        scale=parent.scale,
        counts_from=parent.counts_from,
        excluded=matrix.excluded(parent.id),
        coordinates_um=xy,
        um_per_unit=parent.um_per_unit,
        spots=parent.spots,
        columns=_columns(parent, recipe),
        neighbour_um=_neighbour_um(xy, table) or parent.neighbour_um,
        findings=parent.findings,
        source=parent.source,
        measures=rows[[name for name in MEASURES if name in rows]],
        umap=umap,
        parent=parent.id,
        recipe=recipe,
        left_out=(*dropped, *kept.notes),
    )


def _names_and_others(recipe: Recipe, rows: pd.DataFrame, kept: Kept) -> pd.DataFrame:
    """The canonical names after the recipe, then the file's own columns."""
    changed = {*recipe.columns, *({recipe.areas_are} if recipe.areas else ())}
    changed |= {"section"} if recipe.gap_um else set()
    names = {name: kept.names[name][kept.mask] for name in OBS_NAMES if name in rows.columns or name in changed}
    own = [column for column in rows.columns if column not in OBS_NAMES and column not in _MADE_ANEW]
    return pd.concat([pd.DataFrame(names, index=rows.index), rows[own]], axis=1)


def _columns(parent: DatasetRecord, recipe: Recipe) -> dict[str, str]:
    """Where the names come from: what was drawn or cut comes from no column."""
    columns = {**parent.columns, **{str(name): column for name, column in recipe.columns.items()}}
    if recipe.areas:
        columns.pop(recipe.areas_are, None)
    if recipe.gap_um:
        columns.pop("section", None)
    return columns


def _neighbour_um(xy: NDArray[np.float64] | None, table: pd.DataFrame) -> float | None:
    if xy is None:
        return None
    median = measure_spacing(xy, table["section"].to_numpy()).median
    return round(float(median), 3) if np.isfinite(median) else None
