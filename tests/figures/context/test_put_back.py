from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from backend.figures.context import put_back
from backend.figures.points import Places
from backend.figures.style import describe

N = 90
RANDOM = np.random.default_rng(0)
PLACES = Places(RANDOM.uniform(0, 300, N), RANDOM.uniform(0, 200, N), np.repeat(["1", "2"], N // 2))


@pytest.fixture
def cells() -> pd.DataFrame:
    table = pd.DataFrame(RANDOM.normal(size=(N, 2)), columns=["umap_1", "umap_2"])
    return table.assign(type=np.resize(["B cell", "T cell"], N), chosen=np.arange(N) < 10)


def test_what_is_not_chosen_turns_grey(cells: pd.DataFrame) -> None:
    figure = put_back.choose_cells(cells, {"B cell": "#ff0000", "T cell": "#00ff00"}, None, "Cells")
    sizes: dict[str, int] = {}
    for trace in figure.data:
        sizes[trace.name] = sizes.get(trace.name, 0) + len(trace.x)
    assert sizes == {"B cell": 5, "T cell": 5, "other cells": N - 10}
    assert "10 cells are chosen" in describe(figure)
    assert figure.layout.dragmode is None


def test_one_may_draw_and_sees_what_was_drawn(cells: pd.DataFrame) -> None:
    corners = [[0.0, 0.0], [1, 0], [1, 1]]
    figure = put_back.choose_cells(cells.assign(chosen=False), {}, corners, "Cells", "dark")
    assert figure.layout.dragmode == "lasso"
    drawn = figure.data[-1]
    assert (drawn.x[0], drawn.y[0]) == (drawn.x[-1], drawn.y[-1]) == (0, 0)  # closed
    assert (drawn.x.max(), drawn.y.max()) == (1, 1)
    assert "other cells" not in [trace.name for trace in figure.data]


def test_a_map_of_places_is_drawn_as_a_prediction_and_starts_at_nothing() -> None:
    times = RANDOM.gamma(1.0, size=N).astype(np.float32)
    times[:3] = np.nan
    figure = put_back.probability_map(PLACES, times, "Map")
    assert any(shape.name == "predicted" and shape.line.dash == "dash" for shape in figure.layout.shapes)
    assert figure.layout.coloraxis.cmin == 0
    assert figure.layout.coloraxis.cmax >= put_back.LEAST_TIMES
    assert "1 is chance" in describe(figure)


def test_a_flat_map_looks_flat() -> None:
    figure = put_back.probability_map(PLACES, np.ones(N), "Map")
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (0, put_back.LEAST_TIMES)


def test_regions_are_named_and_measured_in_words() -> None:
    region = np.repeat([0, 1, 2, 3, 3, -1], N // 6).astype(np.int8)
    figure = put_back.region_map(PLACES, region, "Regions")
    order = sorted((trace.legendrank, trace.name) for trace in figure.data)
    assert [name for _, name in order] == ["holds 50 %", "up to 80 %", "up to 90 %", "elsewhere", "no place"]
    assert "holds 50 % 20%, up to 80 % 40%, up to 90 % 60%" in describe(figure)


def test_error_curves_say_each_median() -> None:
    table = pd.concat(
        [
            pd.DataFrame({"way": way, "guess_um": middle * np.linspace(0, 2, 101)})
            for way, middle in (("used", 100.0), ("type only", 200.0), ("matching, both", 1.0))
        ]
    )
    figure = put_back.error_curves(table, {"used": "used here", "type only": "by type", "random": "anywhere"}, "Errors")
    assert [trace.name for trace in figure.data] == ["used here: median 100 µm", "by type: median 200 µm"]
    assert figure.data[0].y[-1] == 100
    assert "used here 100 µm; by type 200 µm" in describe(figure)


def test_calibration_shows_both_kinds_with_their_intervals() -> None:
    rows = [{"level": level, "held": level - 0.1, "low": 0.3, "high": 0.99, "cells": 50} for level in (0.5, 0.8, 0.9)]
    figure = put_back.calibration({"single cells": rows, "groups": [], "others": rows}, "Calibration")
    assert [trace.name for trace in figure.data[1:]] == ["single cells (50 cells)", "others (50 cells)"]
    assert figure.data[1].error_y.array.tolist() == pytest.approx([59, 29, 19])
    assert "80% regions hold 70%" in describe(figure)


def test_types_are_compared_on_a_scale_where_chance_is_one() -> None:
    table = pd.DataFrame({"type": ["B", "T"], "predicted": [4.0, 0.0], "measured": [5.0, np.nan], "cells": 9})
    figure = put_back.types_compared(table, "Types")
    assert figure.layout.xaxis.type == "log"
    assert figure.data[1].x.tolist() == [0.02, 4.0]  # nothing has a place on the axis too
    assert "B 4 predicted, 5 measured" in describe(figure)


def test_origins_are_drawn_as_a_prediction(cells: pd.DataFrame) -> None:
    figure = put_back.origins_map(cells, np.linspace(0, 8, N), "Origins")
    assert any(shape.name == "predicted" for shape in figure.layout.shapes)
    assert figure.layout.coloraxis.cmin == 0
