"""Figures drawn from tables: training, scores, volcano, enrichment, attention."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from backend.figures.attention import attention_bars, attention_heat
from backend.figures.enrichment import dot_plot, running_score
from backend.figures.scores import scores_by_method
from backend.figures.style import describe
from backend.figures.training import loss_curves
from backend.figures.volcano import volcano

RNG = np.random.default_rng(0)


def test_each_loss_has_a_panel_and_each_fit_a_line() -> None:
    metrics = pd.DataFrame({"step": [0, 10, 0, 10], "steps": 10, "fit": ["a", "a", "b", "b"], "loss_x": [3.0, 1, 4, 2]})
    figure = loss_curves(metrics.assign(critic=[1.0, np.nan, 1, 1]), "Training")
    assert len(figure.data) == 4
    assert figure.data[1].y.tolist() == [4.0, 2.0]
    assert [figure.layout.yaxis.title.text, figure.layout.yaxis2.title.text] == ["loss x", "critic"]
    assert "loss_x last at 2" in describe(figure)


def test_training_that_has_not_reported_is_an_empty_figure() -> None:
    assert "0 reports" in describe(loss_curves(pd.DataFrame({"step": []}), "Training"))


def test_methods_are_ordered_by_median_and_the_trained_one_stands_out() -> None:
    scores = pd.DataFrame({"gene": ["A", "B"] * 3, "method": np.repeat(["scxm", "ridge", "knn"], 2)})
    figure = scores_by_method(scores.assign(pcc=[0.2, 0.3, 0.4, 0.5, 0.0, 0.1]), "scxm", "Scores")
    assert [box.name.split()[0] for box in figure.data] == ["knn", "scxm", "ridge"]
    assert figure.data[1].marker.color != figure.data[0].marker.color == figure.data[2].marker.color
    assert "ridge 0.45; scxm 0.25; knn 0.05" in describe(figure)


def de_table() -> pd.DataFrame:
    genes = ["UP1", "<b>UP2</b>", "DOWN", "FLAT", "ZERO"]
    return pd.DataFrame({"gene": genes, "log2_fc": [2.0, 1.5, -1.0, 0.1, 3.0], "fdr": [1e-9, 0.01, 0.02, 0.9, 0.0]})


def test_a_volcano_sorts_genes_by_direction_and_names_the_surest() -> None:
    figure = volcano(de_table(), "Niche")
    flat, down, up = figure.data
    assert (flat.text, down.text) == (("FLAT",), ("DOWN",))
    assert set(up.text) == {"UP1", "&lt;b&gt;UP2&lt;/b&gt;", "ZERO"}
    assert up.y[list(up.text).index("ZERO")] == pytest.approx(300)
    named = [note.text for note in figure.layout.annotations if note.text.startswith("<i>")]
    assert "<i>ZERO</i>" in named
    assert "3 higher in clustered and 1 higher in isolated" in describe(figure)


def test_names_of_genes_do_not_lie_over_each_other() -> None:
    crowd = pd.DataFrame({"gene": [f"G{i}" for i in range(20)], "log2_fc": 1.0, "fdr": 1e-5})
    figure = volcano(crowd, "Niche")
    assert sum(note.text.startswith("<i>") for note in figure.layout.annotations) == 1


def test_a_running_score_shows_its_peak_and_hits() -> None:
    figure = running_score([0.2, 0.5, 0.1, 0.0], [0, 1], [3.0, 2.0, -1.0, -2.0], "A <i>set</i>")
    line, ticks, ranks = figure.data
    assert line.y.tolist() == pytest.approx([0.2, 0.5, 0.1, 0.0])
    assert ticks.x.tolist() == [1, 2]
    assert ranks.y.tolist() == [3.0, 2.0, -1.0, -2.0]
    assert figure.layout.title.text == "A &lt;i&gt;set&lt;/i&gt;"
    assert "peaks at 0.50 at rank 2" in describe(figure)


def test_the_surest_sets_are_dots_by_their_score() -> None:
    sets = pd.DataFrame({"set": list("abc"), "nes": [1.0, -2.0, 1.5], "fdr": [0.5, 0.01, 0.2], "size": [10, 40, 20]})
    figure = dot_plot(sets, "Sets", most=2)
    dots = figure.data[0]
    assert list(dots.y) == ["b", "c"]
    assert dots.x.tolist() == [-2.0, 1.5]
    assert (dots.marker.size[0] / dots.marker.size[1]) ** 2 == pytest.approx(2.0, rel=1e-4)
    assert "1 have an FDR below 0.05" in describe(figure)


def test_names_of_sets_stand_above_their_rows_short_and_whole_on_hover() -> None:
    long = "Positive Regulation Of A Very Long Named Process In <i>Cells</i> (GO:0046635)"
    sets = pd.DataFrame({"set": [long, "b"], "nes": [1.0, -2.0], "fdr": [0.5, 0.01], "size": [10, 40]})
    figure = dot_plot(sets, "Sets")
    names = {note.y: note for note in figure.layout.annotations if note.xref == "paper"}
    assert set(names) == set(figure.data[0].y)
    shown = names[figure.data[0].y[1]].text
    assert "…" in shown
    assert "GO:" not in shown
    assert "GO:0046635" in figure.data[0].text[1]
    assert "<i>" not in shown + figure.data[0].text[1]
    assert figure.layout.margin.l < 40  # the whole width is for the dots


def test_attention_shows_the_largest_weights_first() -> None:
    table = pd.DataFrame({"gene": list("abcd"), "weight": [0.1, 0.4, 0.2, 0.3]})
    assert list(attention_bars(table, "T cell", most=3).data[0].y) == ["c", "d", "b"]


def test_attention_by_type_keeps_the_largest_genes_and_all_types() -> None:
    rows = [(kind, gene, weight) for kind in ("T", "<B>") for gene, weight in zip("abc", RNG.random(3))]
    table = pd.DataFrame(rows, columns=["type", "gene", "weight"])
    table.loc[table["gene"] == "c", "weight"] = 0.0
    figure = attention_heat(table, "By type", most=2)
    assert set(figure.data[0].x) == {"a", "b"}
    assert set(figure.data[0].y) == {"T", "&lt;B&gt;"}
