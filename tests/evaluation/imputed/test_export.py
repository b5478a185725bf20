from __future__ import annotations

import json
from pathlib import Path

import anndata
import numpy as np
import pytest

from backend.errors import UserError
from backend.evaluation.imputed.export import export_imputed
from backend.evaluation.imputed.run import train
from backend.store.arrays import read_columns
from tests.evaluation.imputed.small_pair import MISSING, SHARED, make_pair, make_run, write_pair
from tests.evaluation.small_study import SmallJob


@pytest.fixture
def done(home: Path) -> SmallJob:
    write_pair()
    run = make_run("knn")
    job = SmallJob(home / "jobs" / run.id)
    train(run.model_dump(mode="json", exclude={"created", "owner"}), job)
    return job


def test_measured_and_imputed_genes_lie_side_by_side(done: SmallJob, tmp_path: Path) -> None:
    for ending, read in (("h5ad", anndata.read_h5ad), ("zarr", anndata.read_zarr)):
        data = read(export_imputed("knn-small", tmp_path / f"out.{ending}"))
        assert list(data.var_names) == [*SHARED, *MISSING]
        assert data.var["resitu_measured"].sum() == 40
        assert set(data.var["resitu_verdict"]) <= {"figure", "supplement", "no"}
        assert data.var["resitu_score"].notna().all()
        held, _ = read_columns(done.result / "held_out_d-tissue.zarr")
        np.testing.assert_array_equal(data.layers["imputed"][:, :40], held)
        np.testing.assert_array_equal(data.X.toarray()[:, :40], make_pair()[0]["counts"][:, :40])
        assert data.X[:, 40:].sum() == 0
        low, high = data.layers["interval_low"], data.layers["interval_high"]
        assert (low <= high).all()
        truth = np.log1p(make_pair()[0]["counts"][:, 0])
        assert ((truth >= low[:, 0] - 0.5) & (truth <= high[:, 0] + 0.5)).mean() > 0.7
        assert data.obsm["spatial"].shape == (360, 2)
        assert json.loads(data.uns["resitu"])["method"] == "knn"
    few = anndata.read_h5ad(export_imputed("knn-small", tmp_path / "few.h5ad", printable=True))
    shown = data.var["resitu_verdict"] != "no"
    assert 0 < shown.sum() < len(shown)
    assert list(few.var_names) == list(data.var_names[shown])
    np.testing.assert_array_equal(few.layers["imputed"], data.layers["imputed"][:, shown])
    np.testing.assert_array_equal(few.layers["interval_high"], data.layers["interval_high"][:, shown])
    assert sorted(path.name for path in tmp_path.glob("*out*")) == ["out.h5ad", "out.zarr"]
    with pytest.raises(UserError, match="no known ending"):
        export_imputed("knn-small", tmp_path / "out.csv")
    mine = tmp_path / "mine.zarr"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match="something else"):
        export_imputed("knn-small", mine)
    assert (mine / "thesis.txt").read_text() == "years of work"
    written = anndata.read_zarr(export_imputed("knn-small", tmp_path / "out.zarr", printable=True))
    assert list(written.var_names) == list(few.var_names)
