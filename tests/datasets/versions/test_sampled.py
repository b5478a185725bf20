"""Whether a file holds all cells of a tissue, by how far neighbours are for their size."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from backend.datasets import canonical
from backend.datasets.add import add
from backend.datasets.versions.sampled import sampled
from backend.records import Answers, DatasetRecord
from backend.store import index
from tests.datasets.desk import Desk
from tests.datasets.raws import counts, look, make_raw, places


def tissue(share: float, area: float | None = 90.0, n_cells: int = 4000) -> DatasetRecord:
    """Cells 10 um apart, of which a share is in the file."""
    rows = np.sort(np.random.default_rng(0).permutation(n_cells)[: int(share * n_cells)])
    obs = {} if area is None else {"area_um2": np.full(len(rows), area)}
    raw = make_raw(counts(n_cells)[rows], obs=obs, where=places(n_cells)[rows])
    return canonical.write(look(raw, unit="um", spots=False).require(), "a tissue")


@pytest.mark.parametrize("area", [90.0, None])
def test_whole_tissue_is_no_sample(area: float | None) -> None:
    assert sampled(tissue(1.0, area)) is None


@pytest.mark.parametrize("area", [90.0, None])
def test_a_twentieth_is_a_sample(area: float | None) -> None:
    said = sampled(tissue(0.05, area))
    assert said is not None
    assert re.search(r"roughly 1 in (10|20|30):", said), "20, told to one digit"
    assert ("typical" in said) is (area is None)
    assert "µm" in said


def test_spots_and_references_are_not_judged() -> None:
    record = tissue(0.05)
    assert sampled(record.model_copy(update={"spots": True})) is None
    assert sampled(record.model_copy(update={"role": "reference"})) is None


DATA = Path(__file__).resolve().parents[4] / "shared/data"


@pytest.mark.skipif(not DATA.exists(), reason="the real files (../shared/data) are not here")
@pytest.mark.parametrize(
    ("name", "answers", "thinned"),
    [
        ("st_human_breast_Xenium380_scider", Answers(), True),
        ("st_human_NSCLC_CosMx960", Answers(), False),
        ("st_mouse_cortex_osmFISH", Answers(keep={"Valid": "1"}, unit="px", um_per_px=0.065), False),
    ],
)
def test_real_files(name: str, answers: Answers, thinned: bool, desk: Desk) -> None:
    params = {"paths": [str(DATA / f"{name}.h5ad")], "role": "tissue", "answers": answers.model_dump(), "name": name}
    record = index.get(DatasetRecord, add(params, desk)["dataset"])  # type: ignore[arg-type]
    assert (sampled(record) is not None) is thinned
