"""Real, untidy files, from reader to data set. Skipped where they are not at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backend.datasets.add import add
from backend.records import Answers, DatasetRecord, Role
from backend.store import index, matrix
from tests.datasets.desk import Desk

DATA = Path(__file__).resolve().parents[3] / "shared/data"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the real files (../shared/data) are not here")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path))
    return Desk(tmp_path)


def added(desk: Desk, name: str, role: Role, answers: Answers | None = None) -> DatasetRecord:
    said = (answers or Answers()).model_dump(mode="json")
    done = add({"paths": [str(DATA / f"{name}.h5ad")], "role": role, "answers": said, "name": name}, desk)
    return index.get(DatasetRecord, done["dataset"])


def test_osmfish_in_pixels_with_a_filter(desk: Desk) -> None:
    answers = Answers(keep={"Valid": "1"}, unit="px", um_per_px=0.065)
    record = added(desk, "st_mouse_cortex_osmFISH", "tissue", answers)
    assert (record.n_cells, record.n_genes, record.species, record.has_types) == (4839, 33, "mouse", True)
    assert record.neighbour_um == pytest.approx(12, abs=1)


def test_cosmx_in_mm_whose_views_tile_a_slide(desk: Desk) -> None:
    record = added(desk, "st_human_NSCLC_CosMx960", "tissue")
    assert (record.n_cells, record.n_genes, record.um_per_unit, len(record.sections)) == (2198, 960, 1000.0, 1)
    assert not record.has_types
    assert record.neighbour_um == pytest.approx(9.2, abs=0.1)


def test_xenium_thinned_in_um(desk: Desk) -> None:
    record = added(desk, "st_human_breast_Xenium380_scider", "tissue")
    assert (record.n_cells, record.n_genes, record.um_per_unit) == (10000, 379, 1.0)
    assert {"empty-genes", "thin"} <= {finding.code for finding in record.findings}


def test_a_log_reference_with_types_and_patients(desk: Desk) -> None:
    record = added(desk, "sc_human_lungNSCLC_Maynard3k", "reference")
    assert (record.n_cells, record.n_genes, record.scale) == (3000, 23540, "log")
    obs = matrix.obs(record.id)
    assert (obs["type"].nunique(), obs["patient"].nunique(), obs["sample"].nunique()) == (21, 29, 44)
    assert np.isfinite(obs["umap_1"]).all()


def test_a_mouse_reference_of_counts(desk: Desk) -> None:
    record = added(desk, "sc_mouse_CNS_Zeisel2018_TEINH_MGL_MOL", "reference")
    assert (record.scale, record.species, record.n_cells, record.has_types) == ("counts", "mouse", 1342, True)


def test_visium_spots_bring_their_scale(desk: Desk) -> None:
    record = added(desk, "st_human_lymphnode_Visium_HE", "tissue")
    assert record.spots
    assert record.um_per_unit == pytest.approx(100 / 137, rel=0.01)
    assert record.neighbour_um == pytest.approx(100, abs=1)
