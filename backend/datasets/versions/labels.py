"""Sections, samples, patients, conditions and types of a version: read from columns, drawn on the map, or cut where
the slide is empty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.datasets.canonical import OBS_NAMES
from backend.datasets.checks.columns import ONE_SECTION, groups, sections_of, tidy_text
from backend.datasets.naming.labels import MOST_TYPES
from backend.datasets.versions import areas
from backend.errors import UserError
from backend.records import Area, Recipe

Names = NDArray[np.object_]


@dataclass
class Labels:
    """names: of those of `OBS_NAMES` that are known, n names each. notes: what was done, in sentences."""

    names: dict[str, Names]
    notes: list[str] = field(default_factory=list)

    @property
    def section(self) -> Names:
        return self.names["section"]


def label(obs: pd.DataFrame, recipe: Recipe) -> Labels:
    """The names of all cells after `columns`, `areas` and `gap_um` of a recipe, in this order. obs: the columns of
    `select.needed`. Raises `UserError` with everything that does not fit."""
    found = Labels({name: _texts(obs[name]) for name in OBS_NAMES if name in obs})
    if "section" not in found.names:
        found.names["section"] = np.full(len(obs), ONE_SECTION, dtype=object)
    _read_columns(found, obs, recipe)
    if recipe.areas:
        _draw(found, obs, recipe)
    if recipe.gap_um:
        _cut_gaps(found, obs, recipe.gap_um)
    return found


def _read_columns(found: Labels, obs: pd.DataFrame, recipe: Recipe) -> None:
    problems = []
    for name, column in recipe.columns.items():
        number = groups(obs[column])
        if number > MOST_TYPES:
            told = f"holds {number:,.0f} different values" if np.isfinite(number) else "holds measurements"
            problems.append(f"{column!r} {told}: no {name}s, which are names that many cells share.")
            continue
        found.names[name] = tidy_text(obs[column])[0].to_numpy(dtype=object)
    if problems:
        raise UserError("\n".join(problems), f"At most {MOST_TYPES} names are taken.", "Choose another column.")
    if "section" in recipe.columns or ("sample" in recipe.columns and "section" in found.names):
        parts = [key for key in OBS_NAMES if key in ("section", "sample") and key in found.names]
        named = {key: pd.Series(found.names[key]) for key in parts}
        found.names["section"] = sections_of(named, pd.RangeIndex(len(obs))).to_numpy(dtype=object)


def _draw(found: Labels, obs: pd.DataFrame, recipe: Recipe) -> None:
    """Cells inside an area take its name; where two overlap, the later one has them."""
    what, section = recipe.areas_are, found.section
    check_sections(recipe.areas, section)
    if what == "section":
        _check_names(recipe.areas, section)
    last, strangers = areas.inside_any(_xy(obs), section, recipe.areas)
    names = found.names.get(what, np.full(len(obs), "unknown", dtype=object)).copy()
    for place, area in enumerate(recipe.areas):
        names[last == place] = area.name
    found.names[what] = names
    found.notes += _say_drawn(recipe.areas, obs, section, last, strangers)
    outside = int((last < 0).sum())
    if outside:
        found.notes.append(f"{outside:,} cells lie in no area and keep their {what}.")


def _say_drawn(
    drawn: Sequence[Area], obs: pd.DataFrame, section: Names, last: NDArray[np.int64], strangers: list[int]
) -> list[str]:
    said, empty = [], []
    for place, area in enumerate(drawn):
        own = int((areas.inside(_xy(obs), area.corners) & (section == area.section)).sum())
        here = int((last == place).sum())
        if not own:
            empty.append(f"The area {area.name!r} holds no cell of {area.section!r}.")
        text = f"The area {area.name!r} of {area.section!r} holds {own:,} cells"
        if here < own:
            text += f"; {own - here:,} of them lie in areas drawn later, which have them"
        if strangers[place]:
            text += f"; {strangers[place]:,} cells of other sections lie within its corners and were left alone"
        said.append(f"{text}.")
    if empty:
        raise UserError("\n".join(empty), "It was drawn beside the tissue.", "Draw it again around the cells.")
    return said


def check_sections(drawn: Sequence[Area], section: Names) -> None:
    """Refuse areas of sections that are not there."""
    known = sorted(set(section))
    gone = sorted({area.section for area in drawn} - set(known))
    if gone:
        raise UserError(
            f"There is no section {', '.join(map(repr, gone))}.", f"There are {', '.join(known[:20])}.",
            "Draw the area on a section that is there.",
        )  # fmt: skip


def _check_names(drawn: Sequence[Area], section: Names) -> None:
    """A section's name means one piece of tissue: an area cannot take one that is in use."""
    of: dict[str, set[str]] = {}
    for area in drawn:
        of.setdefault(area.name, set()).add(area.section)
    taken = sorted(name for name in of if name in set(section))
    twice = sorted(name for name, where in of.items() if len(where) > 1)
    problems = [f"A section is called {name!r} already." for name in taken]
    problems += [f"Areas of {len(of[name])} sections are called {name!r}." for name in twice]
    if problems:
        raise UserError("\n".join(problems), "Two sections of one name would be one.", "Give the area another name.")


def _cut_gaps(found: Labels, obs: pd.DataFrame, gap_um: float) -> None:
    xy, section = _xy(obs), found.section
    new = section.copy()
    before = sorted(set(section))
    for name in before:
        rows = np.flatnonzero(section == name)
        cut = areas.pieces(xy[rows], gap_um)
        if cut.n_pieces > 1:
            start = "tissue" if len(before) == 1 else f"{name}, tissue"
            pieces = np.array([f"{start} {number + 1}" for number in range(cut.n_pieces)], dtype=object)
            new[rows] = pieces[cut.number]
            apart = f"{gap_um:,.0f} µm of empty space between them"
            found.notes.append(f"{name!r} falls into {cut.n_pieces} pieces with {apart}.")
    found.names["section"] = new


def _xy(obs: pd.DataFrame) -> NDArray[np.float64]:
    if "x_um" not in obs:
        raise UserError(
            "This data set has no coordinates.", "Areas and gaps are drawn on the map of a tissue.", "Choose a tissue."
        )
    return obs[["x_um", "y_um"]].to_numpy(dtype=np.float64)


def _texts(column: pd.Series) -> Names:
    return np.asarray(column.astype(str), dtype=object)
