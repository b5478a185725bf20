"""Coordinates: units, spots, and what cannot be a tissue."""

from __future__ import annotations

import numpy as np
import pytest

from backend.datasets.checks.places import neighbours_within
from tests.datasets.raws import codes, finding, hexagonal, look, make_raw, places


@pytest.mark.parametrize(("spacing", "unit", "scale"), [(10.0, "um", 1.0), (0.01, "mm", 1000.0)])
def test_the_unit_is_judged_by_the_distance_between_cells(spacing: float, unit: str, scale: float) -> None:
    diagnosis = look(make_raw(where=places(spacing=spacing)))
    assert finding(diagnosis, "unit").guess == unit
    assert diagnosis.ready is not None
    assert diagnosis.ready.um_per_unit == scale
    assert 5 < diagnosis.ready.neighbour_um < 12


def test_pixels_need_a_scale() -> None:
    refused = finding(look(make_raw(where=places(spacing=160.0))), "no-scale")
    assert refused.grade == "refused"
    assert "--unit px --um-per-px X" in refused.mend


def test_pixels_with_a_scale_become_um() -> None:
    diagnosis = look(make_raw(where=places(spacing=160.0)), unit="px", um_per_px=0.065)
    assert diagnosis.ready is not None
    np.testing.assert_allclose(diagnosis.ready.coordinates_um, places(spacing=160.0) * 0.065)


def test_a_scale_alone_says_pixels() -> None:
    assert finding(look(make_raw(where=places(spacing=20.0)), um_per_px=0.5), "unit").guess == "px"


def test_the_format_wins_over_the_guess_and_the_user_over_both() -> None:
    from backend.records import Answers

    hints = Answers(unit="um")
    raw = make_raw(where=places(spacing=160.0), hints=hints, reasons={"unit": "A Xenium run is in um."})
    assert finding(look(raw), "unit").why == "A Xenium run is in um."
    assert finding(look(raw, unit="px", um_per_px=0.1), "unit").guess == "px"


def test_the_name_of_a_column_may_say_the_unit() -> None:
    raw = make_raw()
    raw.coordinates = {"obs/x_mm,y_mm": places()}
    assert finding(look(raw), "unit").guess == "mm"


def test_spots_on_a_hexagonal_grid_bring_their_own_scale() -> None:
    diagnosis = look(make_raw(where=hexagonal(pitch=137.0)))
    assert finding(diagnosis, "spots").guess == "yes"
    assert diagnosis.ready is not None
    assert diagnosis.ready.spots
    assert diagnosis.ready.um_per_unit == pytest.approx(100 / 137)
    assert diagnosis.ready.neighbour_um == pytest.approx(100)
    in_um = look(make_raw(where=hexagonal(pitch=100.0)))
    assert finding(in_um, "unit").guess == "um"


def test_a_tissue_needs_places() -> None:
    assert codes(look(make_raw(where=False)), "refused") == {"no-coordinates"}
    assert codes(look(make_raw(where=np.full((120, 2), np.nan))), "refused") == {"coordinates"}
    assert codes(look(make_raw(where=np.ones((120, 2)))), "refused") == {"one-place"}
    assert look(make_raw(where=False), "reference").ready is not None


def test_cells_without_a_place_are_dropped() -> None:
    where = places()
    where[[1, 2]] = np.nan
    diagnosis = look(make_raw(where=where))
    assert finding(diagnosis, "missing-coordinates").what == "2 cells without coordinates dropped."
    assert diagnosis.ready is not None
    assert diagnosis.ready.values.shape[0] == 118


def test_sections_are_measured_one_by_one() -> None:
    """Two sections laid over each other: distances within each, not across."""
    where = np.concatenate([places(60, seed=1), places(60, seed=1) + 0.01])
    diagnosis = look(make_raw(obs={"section": np.repeat(["a", "b"], 60)}, where=where))
    assert diagnosis.ready is not None
    assert diagnosis.ready.neighbour_um > 5
    around = neighbours_within(where, np.repeat(["a", "b"], 60).astype(object), 15.0)
    assert around <= 8


def test_a_thinned_sample_is_noted() -> None:
    dense = places(4000)
    chosen = np.sort(np.random.default_rng(0).choice(4000, 120, replace=False))
    assert "thin" in codes(look(make_raw(where=dense[chosen]), unit="um"), "noted")
