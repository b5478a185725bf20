"""How well cells are put back: positions of some tissue cells are hidden, and the cells are placed among the others.

Hidden cells are removed before any context is measured, so nothing around a place tells of them. One half of them
chooses (which evidence, how sharp, matching or transport, how large the regions); the other half is reported and
chooses nothing. Where each half of the tissue was predicted by the other half's fit, a cell is put back within its own
half of its section, and so is every rival.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.analysis.put_back.evidence import KINDS, Floats, Reader, Tissue, centred, learn
from backend.analysis.put_back.maps import PORTION, Ground, Tiles, best_guesses, cut_tiles, each_map, regions
from backend.analysis.put_back.transport import find_potentials
from backend.errors import UserError

MOST_HIDDEN, FEWEST_HIDDEN = 1_200, 60
SHARPNESS = (0.1, 0.18, 0.25, 0.35, 0.5, 0.7, 1.0, 1.4)
FIRMNESS = (0.5, 1.0)
BACKGROUND = 500  # cells that transport is solved for
FEWEST_OF_GROUP = 10
LEVELS = (0.5, 0.8, 0.9)
USED, MATCHING, TRANSPORT, TYPE_ONLY, RANDOM = "used", "matching", "transport", "type only", "random"


@dataclass(frozen=True)
class Choice:
    """What the choosing cells chose. masses: the mass of the most probable places that holds the truth of 50, 80 and
    90 % of them. firmness 0: matching; else transport."""

    kind: str
    sharpness: float
    firmness: float
    masses: tuple[float, ...]
    likelihood: dict[str, float]  # way -> mean log of (probability of the true place x number of places)


@dataclass(frozen=True)
class Trial:
    """cells: one row per reported cell and way (row, way, guess_um, drawn_um, mass, likelihood,
    and type where the tissue names them). groups: see
    `group_shares`. ground, told, rows:
    the places that were left, and all hidden cells as they tell of themselves, to ask about any region. places: rows
    of the ground. The first `n_chosen_by` of the hidden cells chose."""

    choice: Choice
    cells: pd.DataFrame
    ground: Ground
    told: Floats
    rows: NDArray[np.intp]
    places: NDArray[np.intp]
    n_chosen_by: int
    groups: pd.DataFrame


@dataclass(frozen=True)
class Way:
    """One way to place the hidden cells. likelihood: over the choosing ones."""

    cells: Floats
    ground: Ground
    likelihood: float


@dataclass(frozen=True)
class Hidden:
    """Rows of the tissue, the area each is put in, and the place (an index of the ground) nearest to the truth."""

    rows: NDArray[np.intp]
    area: NDArray[np.intp]
    truth: NDArray[np.intp]


def run_trial(tissue: Tissue, seed: int, kinds: tuple[str, ...] = KINDS) -> Trial:
    """kinds: the evidence that may be chosen. Raises `UserError` where too few cells can be hidden."""
    random = np.random.default_rng(seed)
    hidden = hide(tissue, random)
    mask = np.isin(np.arange(len(tissue.xy_um)), hidden)
    contexts = tissue.contexts_without(mask)
    places = np.flatnonzero(np.isfinite(contexts).all(axis=1))
    hidden = hidden[
        np.isin(tissue.area[hidden], tissue.area[places])
    ]  # a section of a few cells may have lost them all
    reader = learn(tissue, places, contexts, seed)
    predicted = centred(tissue, tissue.told & ~mask)[0]
    grounds = {kind: ground_of(reader, kind, tissue, places, contexts) for kind in kinds}
    choosing, reported = (locate(tissue, grounds[kinds[0]], rows) for rows in np.array_split(hidden, 2))
    first = len(choosing.rows)
    ways: dict[str, Way] = {}
    sharpness: dict[str, float] = {}
    for kind in kinds:
        told = tell(reader, kind, tissue, predicted, hidden)
        sharpness[kind] = choose_sharpness(told[:first], grounds[kind], choosing)
        cells, ground = sharpen(told, grounds[kind], sharpness[kind])
        ways[kind] = Way(cells, ground, mean_likelihood(cells[:first], ground, choosing))
    kind = max(kinds, key=lambda kind: ways[kind].likelihood)
    background = random.permutation(np.flatnonzero(tissue.told & ~mask))[:BACKGROUND]
    own = tell(reader, kind, tissue, predicted, background) * np.float32(sharpness[kind])
    for firmness in FIRMNESS:
        cells, ground = ways[kind].cells, ways[kind].ground
        moved = replace(ground, offset=ground.offset + find_potentials(own, ground, firmness))
        ways[transport_name(firmness)] = Way(cells, moved, mean_likelihood(cells[:first], moved, choosing))
    rivals = {0.0: kind} | {firmness: transport_name(firmness) for firmness in FIRMNESS}
    firmness = max(rivals, key=lambda firmness: ways[rivals[firmness]].likelihood)
    used = ways[rivals[firmness]]
    masses = conformal(truth_masses(each_map(used.cells[:first], used.ground, choosing.area), choosing))
    told_of = {f"{MATCHING}, {name}" if name in kinds else name: way for name, way in ways.items()}
    table = report({**told_of, USED: used}, tissue, reported, places, first)
    if tissue.types is not None:
        table["type"] = tissue.types[table["row"].to_numpy()].astype(str)
    groups = group_shares(used.cells[first:], used.ground, reported, tissue.types)
    likelihood = {name: way.likelihood for name, way in told_of.items()}
    choice = Choice(kind, sharpness[kind], firmness, masses, likelihood)
    return Trial(choice, table, used.ground, used.cells, hidden, places, first, groups)


def hide(tissue: Tissue, random: np.random.Generator) -> NDArray[np.intp]:
    """A quarter of the cells that have a prediction and a neighbour, in random order."""
    rows = np.flatnonzero(tissue.told & np.isfinite(tissue.measured).all(axis=1))
    count = min(MOST_HIDDEN, len(rows) // 4)
    if count < FEWEST_HIDDEN:
        raise UserError(
            f"Only {len(rows):,} cells of the tissue have a prediction that did not see them.",
            f"A quarter of them is hidden to test how well cells are put back, and {FEWEST_HIDDEN} are needed.",
            "Use a larger piece of tissue, or a smaller neighbourhood radius (less is left out between the halves).",
        )
    return random.permutation(rows)[:count]


def ground_of(reader: Reader, kind: str, tissue: Tissue, places: NDArray[np.intp], contexts: Floats) -> Ground:
    b, offset = reader.measure(kind, contexts[places])
    return Ground(b, offset, tissue.xy_um[places], tissue.area[places])


def tell(reader: Reader, kind: str, tissue: Tissue, predicted: Floats, rows: NDArray[np.intp]) -> Floats:
    return reader.tell(kind, predicted[rows], tissue.expression[rows], tissue.scale)


def sharpen(cells: Floats, ground: Ground, sharpness: float) -> tuple[Floats, Ground]:
    """Scores times a number: below 1, maps are broader than the Gaussian model believes."""
    factor = np.float32(sharpness)
    return cells * factor, replace(ground, offset=ground.offset * factor)


def locate(tissue: Tissue, ground: Ground, rows: NDArray[np.intp]) -> Hidden:
    """Where cells are put, and which place is the right one."""
    from scipy.spatial import cKDTree

    area, truth = tissue.area[rows], np.zeros(len(rows), dtype=np.intp)
    for name in np.unique(area):
        members = np.flatnonzero(ground.area == name)
        mine = area == name
        truth[mine] = members[cKDTree(ground.xy_um[members]).query(tissue.xy_um[rows[mine]])[1]]
    return Hidden(rows, area, truth)


def choose_sharpness(cells: Floats, ground: Ground, hidden: Hidden) -> float:
    """The sharpness under which the true places are most probable."""
    return max(SHARPNESS, key=lambda value: mean_likelihood(*sharpen(cells, ground, value), hidden))


def transport_name(firmness: float) -> str:
    return f"{TRANSPORT}, firmness {firmness:g}"


def mean_likelihood(cells: Floats, ground: Ground, hidden: Hidden) -> float:
    return float(np.mean(likelihoods(each_map(cells, ground, hidden.area), hidden, ground)))


def likelihoods(maps: Iterable[tuple[slice, Floats]], hidden: Hidden, ground: Ground) -> NDArray[np.float64]:
    """Log of (probability of the true place x places of the area): 0 is no better than anywhere."""
    found = np.empty(len(hidden.rows))
    for rows, part in maps:
        found[rows] = part[np.arange(len(part)), hidden.truth[rows]]
    sizes = np.bincount(ground.area, minlength=int(hidden.area.max()) + 1)[hidden.area]
    return np.log(np.maximum(found, 1e-12) * sizes)


def truth_masses(maps: Iterable[tuple[slice, Floats]], hidden: Hidden) -> NDArray[np.float64]:
    """Per cell the mass of all places that are more probable than the true one."""
    found = np.empty(len(hidden.rows))
    for rows, part in maps:
        true = part[np.arange(len(part)), hidden.truth[rows]]
        found[rows] = np.where(part > true[:, None], part, 0.0).sum(axis=1)
    return found


def conformal(masses: NDArray[np.float64]) -> tuple[float, ...]:
    """For each level the mass that holds the truth that often: the split-conformal quantile (Vovk et al. 2005)."""
    ranked = np.sort(masses)
    places = [min(len(ranked), int(np.ceil(level * (len(ranked) + 1)))) - 1 for level in LEVELS]
    return tuple(float(min(1.0, ranked[place] + 1e-6)) for place in places)


def report(ways: dict[str, Way], tissue: Tissue, hidden: Hidden, places: NDArray[np.intp], first: int) -> pd.DataFrame:
    """One row per reported cell and way, type only and random among them. first: where the reported cells begin."""
    ground = ways[USED].ground
    tiles = cut_tiles(ground)
    tables = [
        judge(each_map(way.cells[first:], way.ground, hidden.area), tissue, hidden, way.ground, tiles).assign(way=name)
        for name, way in ways.items()
    ]
    for name in (TYPE_ONLY, RANDOM):
        types = tissue.types if name == TYPE_ONLY else np.zeros(len(tissue.xy_um), dtype=object)
        if types is not None:
            maps = plain_maps(types[hidden.rows], types[places], hidden.area, ground)
            tables.append(judge(maps, tissue, hidden, ground, tiles).assign(way=name))
    return pd.concat(tables, ignore_index=True)


def group_shares(cells: Floats, ground: Ground, hidden: Hidden, types: NDArray[np.object_] | None) -> pd.DataFrame:
    """Cells of one type and area as a group: how many of them (held, of cells) lie in the region that should hold 50,
    80 and 90 % of the group. One row per group and level; groups of ten cells or more."""
    rows = []
    names = np.full(len(hidden.rows), "") if types is None else types[hidden.rows].astype(str)
    for name, area in sorted(set(zip(names, hidden.area.tolist()))):
        mine = np.flatnonzero((names == name) & (hidden.area == area))
        if len(mine) < FEWEST_OF_GROUP:
            continue
        total = np.zeros(len(ground))
        for _, found in each_map(cells[mine], ground, hidden.area[mine]):
            total += found.sum(axis=0, dtype=np.float64)
        region = regions((total / len(mine)).astype(np.float32), LEVELS)[hidden.truth[mine]]
        rows += [
            {"group": name, "area": area, "level": level, "held": int((region <= place).sum()), "cells": len(mine)}
            for place, level in enumerate(LEVELS)
        ]
    return pd.DataFrame(rows, columns=["group", "area", "level", "held", "cells"])


def plain_maps(
    mine: NDArray[np.object_], theirs: NDArray[np.object_], area: NDArray[np.intp], ground: Ground
) -> Iterator[tuple[slice, Floats]]:
    """Each place of the cell's own area and type is as probable as the next; where there is none, each of its area."""
    codes = np.unique(np.concatenate([mine, theirs]).astype(str), return_inverse=True)[1]
    asked, there = codes[: len(mine)], codes[len(mine) :]
    step = max(1, PORTION // max(1, len(ground)))
    for start in range(0, len(mine), step):
        rows = slice(start, min(start + step, len(mine)))
        here = area[rows, None] == ground.area[None]
        same = here & (asked[rows, None] == there[None])
        found = np.where(same.any(axis=1, keepdims=True), same, here).astype(np.float32)
        yield rows, found / found.sum(axis=1, keepdims=True)


def judge(
    maps: Iterable[tuple[slice, Floats]], tissue: Tissue, hidden: Hidden, ground: Ground, tiles: Tiles
) -> pd.DataFrame:
    """guess_um: from the true place to the square of smallest expected distance. drawn_um: the median distance to a
    place drawn from the cell's map. mass and likelihood: see above."""
    parts = []
    for rows, found in maps:
        some = Hidden(hidden.rows[rows], hidden.area[rows], hidden.truth[rows])
        whole = [(slice(0, len(found)), found)]
        guess = best_guesses(found, tiles)
        apart = np.linalg.norm(tissue.xy_um[some.rows][:, None] - tiles.middle_um[None], axis=2)
        parts.append(
            pd.DataFrame(
                {
                    "row": some.rows,
                    "guess_um": apart[np.arange(len(apart)), guess],
                    "drawn_um": middle_distance(apart, found, tiles),
                    "mass": truth_masses(whole, some),
                    "likelihood": likelihoods(whole, some, ground),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def middle_distance(apart: NDArray[np.float64], found: Floats, tiles: Tiles) -> NDArray[np.float64]:
    """Per map the distance within which half of its probability lies. apart: maps x tiles."""
    result = np.empty(len(found))
    for row, density in enumerate(found):
        mass = np.bincount(tiles.of_place, density, minlength=len(tiles.area))
        order = np.argsort(apart[row])
        result[row] = apart[row][order][np.searchsorted(np.cumsum(mass[order]), 0.5 * mass.sum())]
    return result
