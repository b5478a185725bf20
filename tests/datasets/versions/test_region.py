"""The region of a quick look: contiguous, as large as asked, where there is most to see."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from backend.datasets.versions.areas import inside
from backend.datasets.versions.region import best_window


def table(n_cells: int = 8000, width: float = 2000.0) -> pd.DataFrame:
    """Cells all over two squares, sections A and B, in coordinates of their own."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.uniform(0, width, (n_cells, 2)), columns=["x_um", "y_um"])
    frame["section"] = np.where(np.arange(n_cells) < n_cells // 2, "A", "B")
    return frame.assign(counts=rng.poisson(80, n_cells), genes=rng.poisson(30, n_cells))


def held(frame: pd.DataFrame, area) -> np.ndarray:
    return inside(frame[["x_um", "y_um"]].to_numpy(), area.corners) & (frame["section"] == area.section).to_numpy()


def test_it_holds_the_cells_asked_for_and_every_cell_of_its_square() -> None:
    frame = table()
    area = best_window(frame, 1000)
    assert held(frame, area).sum() == 1000
    (x0, y0), (x1, _), (_, y1), _ = area.corners
    assert x1 - x0 == pytest.approx(y1 - y0)


def test_it_lies_where_all_types_are() -> None:
    """Only in one corner of B do all four types occur."""
    frame = table()
    types = np.full(len(frame), "common", dtype=object)
    corner = ((frame["section"] == "B") & (frame["x_um"] > 1200) & (frame["y_um"] > 1200)).to_numpy()
    kinds = ["common", "rare 1", "rare 2", "rare 3"]
    types[corner] = np.random.default_rng(1).choice(kinds, corner.sum())
    area = best_window(frame, 600, types)
    here = held(frame, area)
    assert area.section == "B"
    assert set(types[here]) == set(types)
    for rare in ("rare 1", "rare 2", "rare 3"):
        assert (types[here] == rare).mean() >= (types == rare).mean(), "as many as a fair sample would hold"


def test_empty_ground_is_avoided() -> None:
    """Half of the tissue is as dense as a tenth of the other."""
    frame = table(6000)
    frame = frame[(frame["section"] == "A") & ((frame["x_um"] < 1000) | (np.arange(6000) % 10 == 0))]
    area = best_window(frame, 400)
    assert (frame.loc[held(frame, area), "x_um"] < 1000).mean() > 0.95


def test_a_small_section_is_taken_whole() -> None:
    frame = table(300)
    area = best_window(frame, 5000)
    assert held(frame, area).sum() == (frame["section"] == area.section).sum()


def test_it_is_the_same_each_time() -> None:
    frame = table()
    assert best_window(frame, 500) == best_window(frame, 500)


def test_a_large_window_is_found_from_a_part_of_its_cells() -> None:
    frame = table(60_000)
    assert abs(held(frame, best_window(frame, 12_000)).sum() - 12_000) < 240
