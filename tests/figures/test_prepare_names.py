"""Dot plots, confusion and calibration: what is drawn, where, and what a reader who cannot see it is told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from backend.figures.points import Places
from backend.figures.prepare.confusion import confusion
from backend.figures.prepare.dots import MOST_COLUMNS, dot_plot
from backend.figures.prepare.doubt import calibration, embed_predicted
from backend.figures.style import describe


def dots(types: dict[str, list[str]], clusters: list[str]) -> pd.DataFrame:
    rows = [
        {"cluster": cluster, "type": name, "gene": gene, "mean": 1.0 + place, "share": 0.25}
        for place, cluster in enumerate(clusters) for name, genes in types.items() for gene in genes
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_a_dot_stands_where_its_gene_and_its_group_meet() -> None:
    table = dots({"T": ["CD3E", "CD2"], "B": ["CD2"]}, ["1", "2"])
    table.loc[(table["cluster"] == "2") & (table["type"] == "B"), "share"] = 1.0
    figure = dot_plot(table, ["2", "1"], "Markers")
    assert list(figure.layout.xaxis.ticktext) == ["CD3E", "CD2", "CD2"], "a gene may mark two types"
    assert list(figure.layout.yaxis.ticktext) == ["2", "1"]
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1], "the first row is on top"
    marks = figure.data[0]
    spots = {
        (x, y): (size, colour) for x, y, size, colour in zip(marks.x, marks.y, marks.marker.size, marks.marker.color)
    }
    assert len(spots) == 6
    assert spots[2, 0] == (15.0, 1.0)
    assert spots[0, 1][1] == 0.5, "half of the mean in the group that has most"
    assert spots[0, 1][0] == pytest.approx(2 + 13 * 0.5), "the area, not the width, grows with the share"
    assert {note.text for note in figure.layout.annotations} == {"T", "B"}
    assert "3 genes of 2 types in 2 groups" in describe(figure)


def test_many_types_show_their_first_genes_only() -> None:
    types = {f"T{i}": [f"G{i}_{j}" for j in range(12)] for i in range(40)}
    figure = dot_plot(dots(types, ["1"]), ["1"], "Markers")
    assert len(figure.layout.xaxis.ticktext) == 40 <= MOST_COLUMNS
    assert "G7_0" in figure.layout.xaxis.ticktext


def test_markup_in_names_is_shown_as_letters() -> None:
    figure = dot_plot(dots({"<b>T</b>": ["<i>G</i>"]}, ["<a href='x'>1</a>"]), ["<a href='x'>1</a>"], "Markers")
    assert "<b>" not in figure.layout.annotations[0].text
    assert "<i>" not in figure.layout.xaxis.ticktext[0]
    assert "<a" not in str(figure.layout.yaxis.ticktext) + str(figure.data[0].text)


def test_a_row_of_the_confusion_adds_up_to_its_type() -> None:
    table = pd.DataFrame(
        [("B", "B", 8), ("B", "T", 2), ("T", "T", 3), ("T", "unsure", 1), ("A", "B", 5)],
        columns=["truth", "predicted", "n"],
    )
    figure = confusion(table, "Held out")
    heat = figure.data[0]
    assert list(figure.layout.xaxis.ticktext) == ["A", "B", "T", "unsure"]
    assert list(figure.layout.yaxis.ticktext) == ["A (5)", "B (10)", "T (4)"]
    np.testing.assert_allclose(heat.z, [[0, 1, 0, 0], [0, 0.8, 0.2, 0], [0, 0, 0.75, 0.25]])
    assert heat.customdata[1][2] == 2
    assert "0% to 80%" in describe(figure)


def test_the_curve_of_a_perfect_probability_lies_on_the_line() -> None:
    figure = calibration([[0.3, 0.3, 10], [0.9, 0.9, 90]], 0.0123, "Calibrated?")
    line, curve = figure.data
    assert line.line.dash == "dot"
    np.testing.assert_allclose(curve.x, curve.y)
    assert curve.marker.size[1] > curve.marker.size[0]
    assert "100 cells" in describe(figure)
    assert "0.012" in describe(figure)


def test_predicted_names_of_an_atlas_stand_in_a_dashed_frame() -> None:
    places = Places(np.array([0.0, 1.0]), np.array([0.0, 1.0]), upright=True)
    figure = embed_predicted(places, ["a", "b"], {"a": "#111111", "b": "#222222"}, "UMAP")
    assert [shape.name for shape in figure.layout.shapes] == ["predicted"]
