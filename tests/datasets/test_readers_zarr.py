from __future__ import annotations

import shutil
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
import zarr

from backend.datasets.readers import read
from backend.errors import DataError
from tests.datasets.small_files import CELLS, COUNTS, GENES, PLACES, make_adata, zip_folder

MAX_MB = 64


@pytest.fixture(scope="module", params=["squares", "circles", "points", "obsm"])
def spatialdata_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store as the spatialdata package writes it, with an image that is never read."""
    spatialdata = pytest.importorskip("spatialdata")
    from spatialdata.models import Image2DModel, PointsModel, ShapesModel, TableModel

    adata = make_adata()
    if request.param != "obsm":
        del adata.obsm["spatial"]
    adata.obs["region"] = "cells"
    adata.obs["region"] = adata.obs["region"].astype("category")
    adata.obs["instance"] = np.arange(6) + 100
    ids = adata.obs["instance"].to_numpy()[::-1]  # in another order than the table
    places = PLACES[::-1]
    if request.param == "points":
        frame = geopandas.pd.DataFrame({"x": places[:, 0], "y": places[:, 1]}, index=ids)
        elements = {"points": {"cells": PointsModel.parse(frame)}}
    elif request.param == "circles":
        circles = geopandas.GeoDataFrame({"radius": 1.0}, geometry=shapely.points(places), index=ids)
        elements = {"shapes": {"cells": ShapesModel.parse(circles)}}
    else:
        squares = [shapely.box(x - 2, y - 2, x + 2, y + 2) for x, y in places]
        elements = {"shapes": {"cells": ShapesModel.parse(geopandas.GeoDataFrame(geometry=squares, index=ids))}}
    table = TableModel.parse(adata, region="cells", region_key="region", instance_key="instance")
    images = {"he": Image2DModel.parse(np.zeros((3, 32, 32), dtype=np.uint8))}
    folder = tmp_path_factory.mktemp(request.param) / "sample.zarr"
    spatialdata.SpatialData(images=images, tables={"table": table}, **elements).write(folder)
    return folder


def test_spatialdata(spatialdata_folder: Path, tmp_path: Path) -> None:
    raw = read([zip_folder(spatialdata_folder, tmp_path / "sample.zip")], MAX_MB)
    np.testing.assert_array_equal(raw.matrices["X"].values.toarray(), COUNTS)
    assert list(raw.matrices["X"].features.index) == GENES
    assert list(raw.obs.index) == CELLS
    (name, places), *_ = raw.coordinates.items()
    assert name in ("shapes/centroids", "obsm/spatial")
    np.testing.assert_allclose(places, PLACES)


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("inside", ["", "data.zarr"])
def test_plain_anndata(tmp_path: Path, zarr_format: int, inside: str) -> None:
    import anndata

    with anndata.settings.override(zarr_write_format=zarr_format):
        make_adata().write_zarr(tmp_path / "data.zarr")
    if inside:
        path = zip_folder(tmp_path / "data.zarr", tmp_path / "a.zip")
    else:
        path = Path(shutil.make_archive(str(tmp_path / "a"), "zip", tmp_path / "data.zarr"))
    raw = read([path], MAX_MB)
    np.testing.assert_array_equal(raw.matrices["X"].values.toarray(), COUNTS)
    assert list(raw.obs["kind"]) == list("aabbcc")
    np.testing.assert_array_equal(raw.coordinates["obsm/spatial"], PLACES)


def test_a_store_without_a_table_is_refused(tmp_path: Path) -> None:
    zarr.open_group(tmp_path / "a.zarr", mode="w").create_group("shapes")
    with pytest.raises(DataError, match="no table of counts"):
        read([zip_folder(tmp_path / "a.zarr", tmp_path / "a.zip")], MAX_MB)
