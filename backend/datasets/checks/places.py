"""Where the cells are: coordinates in um, spots or cells, and how densely they were sampled."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from backend.datasets.checks.case import Case, count
from backend.records import Unit

Lattice = Literal["hexagonal", "square"]
VISIUM_PITCH_UM = 100.0
_PER_UNIT = {"um": 1.0, "mm": 1000.0}
_SAMPLE = 5000  # cells whose neighbours are looked up
_LOOK_UM = 50.0
_FEWEST_AROUND = 5  # a Gaussian of sigma 50 um then averages some 20 cells (4 pi sigma^2 times the density)
_TYPICAL_UM = 10.0
_ANY_UNIT = re.compile(r"(?<![a-z])(um|micron|microns|mm|px|pixel|pixels|pxl)(?![a-z])")
_SPELT: dict[str, Unit] = {"micron": "um", "microns": "um", "pixel": "px", "pixels": "px", "pxl": "px"}


@dataclass(frozen=True)
class Spacing:
    """Distances to the nearest neighbour in the file's unit, within a section. low: the 5 % quantile."""

    median: float
    low: float
    lattice: Lattice | None


def read_places(case: Case) -> None:
    """Refuse a tissue without usable coordinates; else bring them to um. A reference has none."""
    if case.role == "reference":
        return
    if case.coordinates is None:
        why = "A tissue needs a place for every cell."
        mend = "Add the file of coordinates too (cells.parquet, cells.csv), or say that this is a --role reference."
        case.refuse("no-coordinates", "The file holds no coordinates of the cells.", why, mend)
        return
    if not _drop_missing(case):
        return
    distinct = len(np.unique(case.coordinates, axis=0))
    if distinct < 2:
        why = "Without distances there are no neighbours."
        case.refuse("one-place", "All cells lie in one place.", why, _OTHER_PLACE)
        return
    if distinct < 0.9 * len(case.coordinates):
        what = f"{count(len(case.coordinates) - distinct, 'cell')} share their place with another cell."
        why = "Several sections laid over each other? Then name them: --section-column."
        case.say("noted", "same-place", what, why)
    spacing = measure(case.coordinates, case.obs["section"].to_numpy())
    _settle_spots(case, spacing)
    _settle_unit(case, spacing)


_OTHER_PLACE = "Check the columns of the coordinates in the file."


def measure(coordinates: NDArray[np.float64], section: NDArray[np.object_]) -> Spacing:
    """Distances to up to six neighbours of up to 5,000 cells; each section on its own."""
    rng = np.random.default_rng(0)
    labels, sizes = np.unique(section.astype(str), return_counts=True)
    near = []
    for label, size in zip(labels, sizes):
        places = np.unique(coordinates[section.astype(str) == label], axis=0)
        if len(places) < 2:
            continue
        share = max(20, int(_SAMPLE * size / len(section)))
        rows = rng.permutation(len(places))[:share]
        distance, _ = cKDTree(places).query(places[rows], k=7)
        near.append(distance[:, 1:])
    distances = np.concatenate(near) if near else np.full((1, 6), np.nan)
    return Spacing(float(np.median(distances[:, 0])), float(np.quantile(distances[:, 0], 0.05)), _lattice(distances))


def _lattice(distances: NDArray[np.float64]) -> Lattice | None:
    """Spots stand on a grid: the same distance to the next spot everywhere, six (or four) times over."""
    if len(distances) < 30:
        return None
    first = distances[:, 0]
    if np.quantile(first, 0.9) > 1.1 * np.quantile(first, 0.1):
        return None
    ratio = np.median(distances / first[:, None], axis=0)
    if ratio[5] < 1.12:
        return "hexagonal"
    return "square" if ratio[3] < 1.08 and 1.3 < ratio[5] < 1.5 else None


def _drop_missing(case: Case) -> bool:
    assert case.coordinates is not None
    finite = np.asarray(np.isfinite(case.coordinates).all(axis=1), dtype=bool)
    missing = int((~finite).sum())
    if missing > 0.5 * len(finite):
        what = f"{missing:,} of {count(len(finite), 'cell')} have no coordinates (NaN)."
        case.refuse("coordinates", what, "Most neighbourhoods would be unknown.", _OTHER_PLACE)
        return False
    if missing:
        case.keep(finite)
        case.say("mended", "missing-coordinates", f"{count(missing, 'cell')} without coordinates dropped.")
    return bool(finite.any())


def _settle_spots(case: Case, spacing: Spacing) -> None:
    lattice = spacing.lattice
    why = (
        f"They stand on a {lattice} grid, all {spacing.median:,.4g} units apart, as capture spots do."
        if lattice
        else "Distances between neighbours vary, as they do between cells."
    )
    case.spots, why = case.settle("spots", lattice is not None, why)
    what = "Each position is a spot with several cells." if case.spots else "Each position is one cell."
    case.ask("spots", case.spots, what, why, ("no", "yes"))


def guess_unit(spacing: Spacing, name: str = "") -> tuple[Unit, str]:
    """The unit of coordinates whose column says none, by the distance between neighbours.

    Where cells touch, neighbours are 5 to 20 um apart; the closest pairs (5 %) decide, since a thinned sample still
    holds a few of them."""
    said = _ANY_UNIT.search(name.lower().replace("_", " "))
    if said:
        unit = _SPELT.get(said[1], said[1])
        return unit, f"The file calls them {name!r}."  # type: ignore[return-value]
    median, low = spacing.median, spacing.low
    apart = f"neighbours are {median:,.3g} units apart (median; the closest 5 %: {low:,.3g})"
    if spacing.lattice == "hexagonal":
        if abs(median - VISIUM_PITCH_UM) < 1:
            return "um", f"Spots are {median:,.4g} units apart, and Visium's are 100 µm apart."
        if abs(1000 * median - VISIUM_PITCH_UM) < 1:
            return "mm", f"Spots are {median:,.4g} units apart, and Visium's are 0.1 mm apart."
        return "px", f"Spots are {median:,.4g} units apart, and Visium's are 100 µm apart: so these are pixels."
    if 1.0 <= low <= 20 and 2.0 <= median <= 150:
        return "um", f"In tissue cells are 5 to 30 µm apart, and here {apart}."
    if 1.0 <= 1000 * low <= 20 and 2.0 <= 1000 * median <= 150:
        return "mm", f"Here {apart}: as mm that is {1000 * median:,.3g} µm, a distance between cells."
    return "px", f"Here {apart}: neither as µm nor as mm a distance between cells. So these are pixels."


def _settle_unit(case: Case, spacing: Spacing) -> None:
    assert case.coordinates is not None
    guess, why = guess_unit(spacing, next(iter(case.raw.coordinates)))
    if case.answers.um_per_px or case.raw.hints.um_per_px:
        guess, why = "px", "A scale of pixels was given."
    unit, why = case.settle("unit", guess, why)
    scale, scale_why = _PER_UNIT.get(unit), ""
    if unit == "px":
        from_spots = VISIUM_PITCH_UM / spacing.median if spacing.lattice == "hexagonal" else None
        reason = f"{spacing.median:,.4g} pixels between spots are taken as 100 µm."
        scale, scale_why = case.settle("um_per_px", from_spots, reason)
        if scale is None:
            scale_why = ""
            _refuse_pixels(case, spacing, why)
    what = f"Coordinates are in {'µm' if unit == 'um' else unit}."
    if unit == "px" and scale:
        what = f"Coordinates are in px of {scale:.4g} µm."
    case.ask("unit", unit, what, why if scale_why == why else f"{why} {scale_why}".strip(), ("um", "mm", "px"))
    if scale is None:
        return
    case.um_per_unit, case.coordinates = float(scale), case.coordinates * float(scale)
    case.neighbour_um = round(spacing.median * float(scale), 3)
    _note_spacing(case)


def _refuse_pixels(case: Case, spacing: Spacing, why: str) -> None:
    likely = _TYPICAL_UM / spacing.median
    mend = (
        f"--unit px --um-per-px X, with X from the instrument (0.12 CosMx, 0.108 MERSCOPE, 0.2125 Xenium); "
        f"cells 10 µm apart would mean {likely:.2g}. If they are no pixels: --unit um or --unit mm."
    )
    case.refuse("no-scale", "The coordinates are pixels, and nothing says how large a pixel is.", why, mend)


def _note_spacing(case: Case) -> None:
    """How far neighbours are, and whether enough lie within reach for a context to mean something."""
    assert case.coordinates is not None
    assert case.neighbour_um is not None
    if case.spots:
        return
    if not 2.0 <= case.neighbour_um <= 60.0:
        what = f"Neighbouring cells are {case.neighbour_um:,.3g} µm apart, which is unusual."
        case.say("noted", "odd-spacing", what, "Typical is 5 to 30 µm.", "Check the unit: --unit, --um-per-px.")
        return
    around = neighbours_within(case.coordinates, case.obs["section"].to_numpy(), _LOOK_UM)
    if around < _FEWEST_AROUND:
        what = f"Thinly sampled: the median cell has {count(int(around), 'other cell')} within {_LOOK_UM:.0f} µm."
        why = "In whole tissue there are 40 to 100. Contexts measured from so few are mostly noise."
        case.say("noted", "thin", what, why, "Add the whole section, or train with a wider neighbourhood.")


def neighbours_within(coordinates_um: NDArray[np.float64], section: NDArray[np.object_], radius_um: float) -> float:
    """The median number of other cells within a radius, over up to 2,000 cells."""
    labels = section.astype(str)
    rows = np.random.default_rng(0).permutation(len(coordinates_um))[:2000]
    counts = []
    for label in np.unique(labels[rows]):
        places = coordinates_um[labels == label]
        asked = rows[labels[rows] == label]
        found = cKDTree(places).query_ball_point(coordinates_um[asked], radius_um, return_length=True)
        counts.append(np.asarray(found) - 1)
    return float(np.median(np.concatenate(counts)))
