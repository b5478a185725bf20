from __future__ import annotations

from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

from backend.figures import points
from backend.figures.imputed.panels import Hatched, Panel, maps_beside, shared_range
from backend.figures.points import Measure, Places
from backend.figures.style import describe

N = 200
RNG = np.random.default_rng(0)
PLACES = Places(RNG.uniform(0, 900, N), RNG.uniform(0, 500, N))
TRUE, GUESS = RNG.poisson(2, N).astype(np.float32), RNG.uniform(0, 1, N).astype(np.float32)
LIMITS = shared_range(Measure(TRUE, "A"), Measure(GUESS, "A"))
PANELS = (
    Panel("Measured", Measure(TRUE, "A", limits=LIMITS)),
    Panel("Imputed", Measure(GUESS, "A", predicted=True, limits=LIMITS), same=True),
    Panel("Difference", Measure(GUESS - TRUE, "gap", predicted=True, diverging=True)),
)


def of_axis(figure: go.Figure, axis: str, name: str | None = None) -> list:
    return [trace for trace in figure.data if trace.xaxis == axis and name in (None, trace.name)]


def test_the_maps_share_one_camera_and_a_lasso() -> None:
    figure = maps_beside(PLACES, PANELS, "A in the cell")
    assert figure.layout.xaxis2.matches == figure.layout.xaxis3.matches == "x"
    assert figure.layout.yaxis2.matches == figure.layout.yaxis3.matches == "y"
    assert figure.layout.dragmode == "lasso"
    assert figure.layout.uirevision == "map"
    drawn = np.concatenate([trace.customdata for trace in of_axis(figure, "x3")])
    assert sorted(drawn.tolist()) == list(range(N))


def test_panels_of_one_unit_share_their_colours_and_the_predicted_stand_in_dashed_frames() -> None:
    figure = maps_beside(PLACES, PANELS, "A in the cell")
    bars = [of_axis(figure, axis)[0].marker.coloraxis for axis in ("x", "x2", "x3")]
    assert bars == ["coloraxis", "coloraxis", "coloraxis2"]
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == LIMITS
    assert figure.layout.coloraxis.colorbar.x == pytest.approx(1 / 3)
    frames = [shape.xref for shape in figure.layout.shapes if shape.name == "predicted"]
    assert frames == ["x2 domain", "x3 domain"]
    assert "Imputed (predicted)" in describe(figure)


def test_hatched_cells_show_no_predicted_value_but_what_was_measured() -> None:
    gone = np.arange(N) < 30
    figure = maps_beside(PLACES, PANELS, "A", hatched=Hatched(gone, "Mast cells, absent from the atlas"))
    for axis in ("x2", "x3"):
        coloured = [t for t in of_axis(figure, axis) if t.marker.coloraxis]
        assert not set(coloured[0].customdata.tolist()) & set(range(30))
        assert len(of_axis(figure, axis, "hatched")[0].x) == 30
    assert len(of_axis(figure, "x")[0].customdata) == N
    assert not of_axis(figure, "x", "hatched")
    assert any("Mast cells" in str(trace.name) for trace in figure.data)
    assert "30 cells are hatched out: Mast cells" in describe(figure)
    # Colours must not depend on what was struck through.
    assert figure.layout.coloraxis2.cmin == maps_beside(PLACES, PANELS, "A").layout.coloraxis2.cmin


def test_three_maps_become_pictures_three_times_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(points, "MOST_POINTS", 2 * N)
    assert not PLACES.many
    assert replace(PLACES, panels=3).many
    assert {trace.type for trace in maps_beside(PLACES, PANELS, "A").data} == {"heatmap", "scattergl"}
