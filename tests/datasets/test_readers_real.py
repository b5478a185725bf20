"""The public measurements beside the project; absent on other machines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backend.datasets.readers import read

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SIZES = {
    "st_human_NSCLC_CosMx960": (2198, 960),
    "sc_human_lungNSCLC_Maynard3k": (3000, 23540),
    "sc_human_lung_TabulaSapiens1k": (1000, 21804),
    "st_mouse_cortex_osmFISH": (6471, 33),
    "sc_mouse_CNS_Zeisel2018_TEINH_MGL_MOL": (1342, 15167),
    "st_human_breast_Xenium380_scider": (10000, 380),
    "sc_human_breastTNBC_copykat": (302, 19310),
    "st_human_lymphnode_Visium_HE": (3962, 18467),
    "sc_human_lymphnode_ref330": (330, 10237),
    "st_human_NSCLC_CosMx_Lung12_withimages": (120, 960),
    "st_mouse_brain_MERSCOPE_withDAPI": (470, 415),
}


@pytest.mark.parametrize("name", SIZES)
def test_real_files_read(name: str) -> None:
    path = DATA / f"{name}.h5ad"
    if not path.is_file():
        pytest.skip("the real data of ../shared/data is not on this machine")
    raw = read([path], max_mb=4096)
    assert raw.matrices["X"].values.shape == SIZES[name]
    assert len(raw.obs) == SIZES[name][0]
    assert raw.notes == []
    assert bool(raw.coordinates) == name.startswith("st_")
    for places in raw.coordinates.values():
        assert places.shape == (SIZES[name][0], 2)
        assert np.isfinite(places).all()
    if "Visium" in name:  # its spots are 100 um apart, 137 pixels
        assert raw.hints.um_per_px == pytest.approx(100 / 137, rel=0.02)
