"""Painted cells: the raster, the mosaic made of it, and mixed colours."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from backend.figures import points
from backend.figures.imputed import overlay as mixing
from backend.figures.imputed.mosaic import mosaic
from backend.figures.imputed.overlay import GROUND, INKS, blend, overlay
from backend.figures.imputed.raster import paint
from backend.figures.points import Measure, Places
from backend.figures.style import describe
from tests.figures.test_palette import SIGHT, oklab

N = 400
RNG = np.random.default_rng(0)
X, Y = RNG.uniform(0, 1000, N), RNG.uniform(0, 500, N)
PLACES = Places(X, Y)


def test_a_painted_cell_is_where_it_lies_and_overlaps_are_means() -> None:
    places = Places([0.0, 100.0, 100.0], [0.0, 50.0, 50.0])
    (picture,) = paint(places, [np.array([1.0, 2.0, 4.0], dtype=np.float32)], 20)
    assert picture.shape == (10, 20)
    assert picture[0, 0] == 1
    assert picture[-1, -1] == 3
    assert set(picture[np.isfinite(picture)].tolist()) == {1.0, 3.0}


def test_a_picture_covers_its_tissue_and_leaves_unknown_cells_out() -> None:
    known, none = np.ones(N, dtype=np.float32), np.full(N, np.nan, dtype=np.float32)
    full, empty = paint(PLACES, [known, none])
    assert np.isfinite(full).mean() > 0.6
    assert not np.isfinite(empty).any()


def test_a_mosaic_has_a_map_per_gene_and_weighs_the_same_for_more_cells() -> None:
    genes = [Measure(RNG.poisson(2, N), f"G{i}", predicted=i > 5) for i in range(14)]
    figure = mosaic(PLACES, genes, "Genes")
    assert [trace.name for trace in figure.data] == [f"G{i}" for i in range(12)]
    assert {trace.type for trace in figure.data} == {"heatmap"}
    assert sum(shape.name == "predicted" for shape in figure.layout.shapes) == 6
    assert all(np.nanmin(trace.z) >= 0 and np.nanmax(trace.z) <= 1 for trace in figure.data)
    ten = Places(np.tile(X, 10), np.tile(Y, 10))
    more = mosaic(ten, [Measure(np.tile(gene.values, 10), gene.title) for gene in genes], "Genes")
    assert more.data[0].z.size == figure.data[0].z.size
    assert "G6 (predicted)" in describe(figure)


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize(("theme", "genes", "apart"), [(*key, 0.07 if key[1] == 3 else 0.2) for key in INKS])
def test_mixtures_can_be_told_apart(sight: str, theme: str, genes: int, apart: float) -> None:
    mixed = blend(list(itertools.product([0, 1], repeat=genes)), theme)
    assert tuple(mixed[0]) == tuple(bytes.fromhex(GROUND[theme][1:]))
    points_ = oklab(tuple(f"#{r:02X}{g:02X}{b:02X}" for r, g, b in mixed), sight)
    distance = np.linalg.norm(points_[:, None] - points_[None], axis=-1)[np.triu_indices(len(mixed), 1)]
    assert distance.min() > apart


def test_an_overlay_gives_each_cell_the_colour_of_its_mixture() -> None:
    first, second = (np.arange(N) % 2).astype(np.float32), (np.arange(N) // 2 % 2).astype(np.float32)
    figure = overlay(PLACES, [Measure(first, "CD8A"), Measure(second, "CXCL13", predicted=True)], "Two genes")
    cells = figure.data[0]
    top = 8 * 8 - 1
    expected = {(0, 0): 0, (0, 1): 7, (1, 0): 56, (1, 1): top}
    assert all(code == expected[tuple(pair)] for code, pair in zip(cells.marker.color, cells.customdata.tolist()))
    both = blend([[1.0, 1.0]], "light")[0]
    assert figure.layout.coloraxis.colorscale[-1][1] == "rgb({}, {}, {})".format(*both)
    assert [trace.name for trace in figure.data[1:]] == ["CD8A", "CXCL13", "CD8A + CXCL13"]
    assert any(shape.name == "predicted" for shape in figure.layout.shapes)


def test_cells_of_which_a_gene_is_unknown_are_not_mixed() -> None:
    known = np.ones(N, dtype=np.float32)
    known[:9] = np.nan
    figure = overlay(PLACES, [Measure(known, "A"), Measure(np.arange(N), "B")], "Two genes")
    traces = {trace.name or "mixed": trace for trace in figure.data[:2]}
    assert len(traces["no value"].x) == 9
    assert len(traces["mixed"].x) == N - 9
    assert np.isfinite(traces["mixed"].marker.color).all()


def test_many_cells_are_mixed_in_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(points, "MOST_POINTS", N - 1)
    genes = [Measure(RNG.poisson(2, N), name) for name in ("A", "B", "C")]
    figure = overlay(PLACES, genes, "Three genes")
    assert figure.data[0].type == "heatmap"
    assert figure.data[0].z.shape == (mixing._PAINTED_PX // 2, mixing._PAINTED_PX)
    assert len(figure.data) == 1 + 7
