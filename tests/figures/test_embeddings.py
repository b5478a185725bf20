from __future__ import annotations

import numpy as np

from backend.figures.embeddings import embed_types, embed_values
from backend.figures.points import Measure
from backend.figures.style import describe

X, Y = np.array([0.0, 1.0, 2.0, np.nan]), np.array([0.0, 1.0, 0.0, np.nan])


def test_types_keep_their_colours_and_cells() -> None:
    figure = embed_types(X, Y, ["a", "b", "a", "b"], {"a": "#111111", "b": "#222222"}, "UMAP")
    assert {trace.name: trace.marker.color for trace in figure.data} == {"a": "#111111", "b": "#222222"}
    assert figure.layout.yaxis.scaleanchor == "x"
    assert "2 in all" in describe(figure)


def test_cells_that_were_not_embedded_are_left_out_and_rows_keep_their_numbers() -> None:
    figure = embed_values(X, Y, Measure([0.3, 0.1, 0.2, 0.9], "G around the cell", predicted=True), "G")
    drawn = figure.data[-1]
    assert drawn.customdata.tolist() == [1, 2, 0]  # the highest value lies on top
    assert "Predicted" in figure.layout.title.text or "predicted" in describe(figure)
    assert [shape.name for shape in figure.layout.shapes] == ["predicted"]
