from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pytest

from backend.figures import points
from backend.figures.maps import bar_length_um, map_compared, map_types, map_values
from backend.figures.palette import type_colours
from backend.figures.points import Measure, Places
from backend.figures.style import describe

N = 300
RNG = np.random.default_rng(0)
X, Y = RNG.uniform(0, 1000, N), RNG.uniform(0, 700, N)
TYPES = np.array(["B cell", "T <b>cell</b>", "unsure"])[np.arange(N) % 3]
SECTION = np.where(np.arange(N) < 100, "one", "two")


def shapes(figure: go.Figure, name: str) -> list:
    return [shape for shape in figure.layout.shapes if shape.name == name]


def test_each_type_is_a_trace_with_its_colour_and_its_cells() -> None:
    colours = type_colours(TYPES)
    figure = map_types(Places(X, Y), TYPES, colours, "Types")
    traces = {trace.name: trace for trace in figure.data}
    assert set(traces) == {"B cell", "T &lt;b&gt;cell&lt;/b&gt;", "unsure"}
    assert traces["B cell"].marker.color == colours["B cell"]
    rows = np.concatenate([trace.customdata for trace in figure.data if trace.name == "B cell"])
    drawn = np.concatenate([trace.x for trace in figure.data if trace.name == "B cell"])
    assert sorted(rows.tolist()) == list(range(0, N, 3))
    assert drawn == pytest.approx(X[rows].astype(np.float32))
    assert traces["B cell"].x.dtype == np.float32
    assert figure.data[0].name == "unsure"  # below the others


def test_few_groups_are_drawn_in_turns_and_stand_once_in_the_legend() -> None:
    figure = map_types(Places(X, Y), TYPES, type_colours(TYPES), "Types")
    names = [trace.name for trace in figure.data]
    assert names[:3] == ["unsure", "B cell", "T &lt;b&gt;cell&lt;/b&gt;"]
    assert names[1:] == names[1:3] * (len(names[1:]) // 2)
    assert len(names) > 9
    assert sum(trace.name == "B cell" and trace.showlegend is not False for trace in figure.data) == 1
    many = np.array([f"type {i}" for i in range(6)])[np.arange(N) % 6]
    assert len(map_types(Places(X, Y), many, type_colours(many), "Types").data) == 6


def test_a_map_has_equal_aspect_a_scale_bar_and_no_axes() -> None:
    figure = map_types(Places(X, Y), TYPES, {}, "Types")
    assert figure.layout.yaxis.scaleanchor == "x"
    assert not figure.layout.xaxis.visible
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]  # y grows downwards, as in the image
    bar = shapes(figure, "scale bar")[0]
    assert bar.x1 - bar.x0 == 100
    assert any(note.text == "100 µm" for note in figure.layout.annotations)


@pytest.mark.parametrize("tall", [1.0, 0.2])
def test_the_scale_bar_stands_clear_of_cells_and_frame(tall: float) -> None:
    figure = map_types(Places(X, X[::-1] * tall), TYPES, {}, "Types", predicted=True)
    bar, bottom = shapes(figure, "scale bar")[0], figure.layout.yaxis.range[0]
    half_a_line = 6 / 276 * 1000 / 1.1  # of 12 px, in um, where the map is 276 px wide
    assert bar.y0 - float(np.max(X * tall)) > half_a_line
    assert bottom - bar.y0 > half_a_line
    text = next(note for note in figure.layout.annotations if note.name == "scale bar")
    assert text.x == bar.x1
    assert text.yanchor == "middle"


@pytest.mark.parametrize(("extent", "length"), [(1000, 200), (999, 100), (40_000, 5000), (3, 0.5)])
def test_the_bar_is_a_round_number(extent: float, length: float) -> None:
    assert bar_length_um(extent) == pytest.approx(length)


def test_sections_stand_side_by_side() -> None:
    places = Places(X, Y, SECTION)
    assert places.xy[:100, 0].max() < places.xy[100:, 0].min()
    figure = map_types(places, TYPES, {}, "Types")
    assert {"one", "two"} <= {note.text for note in figure.layout.annotations}
    inside = places.xy[100:] - places.xy[100:].min(axis=0)
    own = np.column_stack([X, Y])[100:]
    assert inside == pytest.approx(own - own.min(axis=0), abs=1e-2)


def test_measured_and_predicted_share_camera_and_range_and_are_drawn_apart() -> None:
    measured, predicted = RNG.random(N).astype(np.float32), RNG.random(N).astype(np.float32) * 0.3
    figure = map_compared(
        Places(X, Y), Measure(measured, "CXCL13"), Measure(predicted, "CXCL13"), "CXCL13 around the cell"
    )
    first, second, third = figure.data
    assert first.marker.coloraxis == second.marker.coloraxis == "coloraxis"
    assert third.marker.coloraxis == "coloraxis2"
    assert figure.layout.coloraxis2.cmin == -figure.layout.coloraxis2.cmax
    assert figure.layout.xaxis2.matches == figure.layout.xaxis3.matches == "x"
    assert figure.layout.yaxis2.matches == "y"
    gap = np.empty(N)
    gap[third.customdata] = third.marker.color
    assert gap == pytest.approx(predicted - measured)
    frames = shapes(figure, "predicted")
    assert [frame.xref for frame in frames] == ["x2 domain"]
    assert [note.text for note in figure.layout.annotations[:3]] == ["Measured", "Predicted", "Predicted − measured"]
    assert f"r = {np.corrcoef(measured, predicted)[0, 1]:.2f}" in describe(figure)


def test_a_prediction_alone_is_framed_and_a_measurement_is_not() -> None:
    values = RNG.random(N)
    predicted = map_values(Places(X, Y), Measure(values, "G around the cell", "share", predicted=True), "G")
    measured = map_values(Places(X, Y), Measure(values, "G around the cell", "share"), "G")
    assert shapes(predicted, "predicted")
    assert any("predicted" in note.text for note in predicted.layout.annotations)
    assert "predicted" in describe(predicted)
    assert not shapes(measured, "predicted")
    assert predicted.layout.coloraxis.colorbar.title.text == "G around the cell<br>(share)"


def test_cells_without_a_value_are_grey_not_low() -> None:
    values = RNG.random(N).astype(np.float32)
    values[:10] = np.nan
    figure = map_values(Places(X, Y), Measure(values, "G"), "G")
    unknown, known = figure.data
    assert unknown.customdata.tolist() == list(range(10))
    assert len(known.x) == N - 10


def test_many_cells_become_a_picture_with_a_sample_of_invisible_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(points, "MOST_POINTS", 200)
    monkeypatch.setattr(points, "_SAMPLED", 100)
    values = (X / 1000).astype(np.float32)
    picture, sample = map_values(Places(X, Y), Measure(values, "G"), "G").data
    assert picture.type == "heatmap"
    assert picture.coloraxis == "coloraxis"
    assert sample.opacity == 0
    assert len(sample.x) == N / 3
    drawn = np.array(picture.z)
    column = picture.x0 + picture.dx * np.arange(drawn.shape[1])
    known = np.isfinite(drawn)
    assert drawn[known] == pytest.approx((np.broadcast_to(column, drawn.shape) / 1000)[known], abs=picture.dx / 1000)
    types = map_types(Places(X, Y), TYPES, type_colours(TYPES), "Types")
    assert sorted(trace.name for trace in types.data if trace.showlegend is not False and trace.name) == sorted(
        {"B cell", "T &lt;b&gt;cell&lt;/b&gt;", "unsure"}
    )


def test_a_hundred_thousand_cells_stay_small() -> None:
    n = 100_000
    xy = np.random.default_rng(0).uniform(0, 5000, (n, 2))
    figure = map_values(Places(xy[:, 0], xy[:, 1]), Measure(xy[:, 0], "G"), "G")
    assert len(figure.to_json()) < 2.5e6
