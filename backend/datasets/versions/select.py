"""Which cells a recipe keeps, and which of its rules dropped each of the others. On the table of cells alone, so that
a page can ask at every move of a slider, and the job that makes the version gets the same answer."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.datasets.canonical import OBS_NAMES
from backend.datasets.naming.labels import MOST_TYPES
from backend.datasets.versions import areas
from backend.datasets.versions.kept import Kept
from backend.datasets.versions.labels import check_sections, label
from backend.datasets.versions.measures import amount, title_of
from backend.datasets.versions.region import best_window
from backend.datasets.versions.subsample import balanced
from backend.errors import UserError
from backend.records import Cut, DatasetRecord, Recipe

_LISTED = 20


def needed(recipe: Recipe) -> list[str]:
    """The columns of the cells that `select` reads."""
    always = (*OBS_NAMES, "counts", "genes")
    places = ("x_um", "y_um")
    asked = (*recipe.columns.values(), *(cut.measure for cut in recipe.cuts), *recipe.where)
    return list(dict.fromkeys((*always, *places, *asked)))


def check_columns(recipe: Recipe, known: Collection[str]) -> None:
    """Refuse a recipe that names columns which the cells do not have; all of them at once."""
    asked = dict.fromkeys((*recipe.columns.values(), *(cut.measure for cut in recipe.cuts), *recipe.where))
    gone = [column for column in asked if column not in known and column != "section"]
    if gone:
        listed = ", ".join(sorted(known)[: 2 * _LISTED])
        are = f"{', '.join(map(repr, gone))} {'is no column' if len(gone) == 1 else 'are no columns'} of the cells."
        rule = f"Texts with more than {MOST_TYPES} different values are left out when a file is added."
        why = f"There are: {listed}. {rule}"
        raise UserError(are, why, "Choose one of these.")


def select(obs: pd.DataFrame, recipe: Recipe, record: DatasetRecord, types: NDArray[np.object_] | None = None) -> Kept:
    """Apply a recipe to the cells of `record`. obs: at least the columns of `needed` that exist. types: one per cell,
    for `most_cells`; by default those that the data name. Raises `UserError` for what does not fit."""
    labels = label(obs, recipe)
    kept = Kept(np.full(len(obs), -1, dtype=np.int16), labels.names, notes=list(labels.notes))
    for cut in recipe.cuts:
        _cut(kept, obs, cut)
    for column, values in recipe.where.items():
        _where(kept, obs, column, values)
    if recipe.regions:
        _regions(kept, obs, recipe)
    if recipe.most_cells and kept.n > recipe.most_cells:
        _fewer(kept, obs, recipe, record, types if types is not None else kept.names.get("type"))
    return kept


def _cut(kept: Kept, obs: pd.DataFrame, cut: Cut) -> None:
    if not pd.api.types.is_numeric_dtype(obs[cut.measure]):
        raise UserError(f"{cut.measure!r} holds no numbers.", "A cut-off needs some.", "Keep its values by --where.")
    values = obs[cut.measure].to_numpy(dtype=np.float32, na_value=np.nan)
    title = title_of(cut.measure)[0]
    with np.errstate(invalid="ignore"):  # a cell without a value is neither below nor above
        if cut.least is not None:
            kept.drop(values < np.float32(cut.least), f"{title} below {amount(cut.measure, cut.least)}")
        if cut.most is not None:
            kept.drop(values > np.float32(cut.most), f"{title} above {amount(cut.measure, cut.most)}")


def _where(kept: Kept, obs: pd.DataFrame, column: str, values: Sequence[str]) -> None:
    texts = kept.names.get(column)
    series = obs[column] if texts is None else pd.Series(texts)
    codes, found = pd.factorize(series)
    names = [_plain(value) for value in found]
    gone = [value for value in values if _plain(value) not in names]
    if gone:
        listed = ", ".join(sorted(map(str, names))[:_LISTED]) + (", …" if len(names) > _LISTED else "")
        raise UserError(
            f"No cell has {column} = {', '.join(map(repr, gone))}.", f"Its values: {listed}.", "Choose from these."
        )
    wanted = {_plain(value) for value in values}
    keep = np.array([name in wanted for name in names] + [False])  # the last one: no value at all
    shown = ", ".join(values[:4]) + (", …" if len(values) > 4 else "")
    kept.drop(~keep[codes], f"{column} other than {shown}")


def _plain(value: object) -> str:
    """Values as one would type them: 1 and 1.0 are the same number."""
    text = str(value).strip()
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() else text


def _regions(kept: Kept, obs: pd.DataFrame, recipe: Recipe) -> None:
    check_sections(recipe.regions, kept.section)
    xy = obs[["x_um", "y_um"]].to_numpy(dtype=np.float64)
    last, strangers = areas.inside_any(xy, kept.section, recipe.regions)
    names = [region.name for region in recipe.regions]
    kept.drop(last < 0, f"outside of {', '.join(names[:3])}{', …' if len(names) > 3 else ''}")
    if sum(strangers):
        kept.notes.append(f"{sum(strangers):,} cells of other sections lie within the corners and are not part of it.")


def _fewer(
    kept: Kept, obs: pd.DataFrame, recipe: Recipe, record: DatasetRecord, types: NDArray[np.object_] | None
) -> None:
    """A reference: balanced by type. A tissue: one contiguous piece, since neighbours must stay together."""
    most = recipe.most_cells or 0
    rows = np.flatnonzero(kept.mask)
    own = None if types is None else np.asarray(types)[rows]
    chosen = np.zeros(len(obs), dtype=bool)
    if record.role == "reference":
        here, said = balanced(own if own is not None else np.full(len(rows), "all cells"), most, recipe.seed)
        chosen[rows[here]] = True
        kept.notes += said
    else:
        table = obs.iloc[rows].assign(section=kept.section[rows])
        area = best_window(table, most, own)
        middle = np.mean(area.corners, axis=0)
        away = np.abs(table[["x_um", "y_um"]].to_numpy(dtype=np.float64) - middle).max(axis=1)
        away[kept.section[rows] != area.section] = np.inf
        nearest = rows[np.argsort(away, kind="stable")[:most]]
        chosen[nearest[kept.section[nearest] == area.section]] = True
        kept.notes.append(f"One contiguous square of {area.section!r} was taken.")
    kept.drop(~chosen, f"beyond the {most:,} cells asked for")
