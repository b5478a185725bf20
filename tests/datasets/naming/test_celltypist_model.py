"""A CellTypist model as a table: the numbers of CellTypist itself, and nothing unpickled."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from backend.datasets.expression import log_normalise
from backend.datasets.naming.annotate import annotate
from backend.datasets.naming.celltypist_model import probabilities, read_model, shared_places, vote
from backend.datasets.naming.found import UNSURE
from backend.errors import DataError
from backend.records import DatasetRecord
from tests.datasets.desk import Desk
from tests.datasets.naming.small_tissue import kinds, table_of

TINY = "gene,A,B,scaler_mean,scaler_scale\nGENE0,1,-1,0.5,2\nGENE10,-1,1,0.5,2\nintercept,0.1,-0.1,,\n"


def tiny(folder: Path, text: str = TINY, name: str = "model.csv") -> Path:
    (folder / name).write_text(text)
    return folder / name


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory):
    """A model that CellTypist trained on cells like those of the tissue, over genes that the tissue has in part."""
    celltypist = pytest.importorskip("celltypist")
    values, types = kinds(240, seed=7)
    logged = log_normalise(csr_matrix(values), "counts")
    names = [f"GENE{i}" for i in range(3, 30)] + ["X1", "X2", "X3"]
    atlas = ad.AnnData(logged, var=pd.DataFrame(index=names))
    options = {"check_expression": False, "use_SGD": True, "n_jobs": 1, "feature_selection": False}
    model = celltypist.train(atlas, labels=types, **options)  # its other way needs an older scikit-learn
    # As the page tells a user to do it.
    table = pd.DataFrame(model.classifier.coef_.T, index=model.features, columns=model.cell_types)
    table["scaler_mean"], table["scaler_scale"] = model.scaler.mean_, model.scaler.scale_
    table.loc["intercept"] = [*model.classifier.intercept_, 0, 1]
    path = tmp_path_factory.mktemp("model") / "model.csv"
    table.to_csv(path)
    return celltypist, model, path


def test_the_numbers_are_those_of_celltypist(trained, tissue: DatasetRecord) -> None:
    celltypist, theirs, path = trained
    values = kinds(150)[0]
    values[0, 5] = 10_000  # far beyond the model's spread: clipped
    logged = log_normalise(csr_matrix(values), "counts")
    genes = tuple(f"GENE{i}" for i in range(30))
    told = celltypist.annotate(ad.AnnData(logged.copy(), var=pd.DataFrame(index=list(genes))), model=theirs)
    ours = read_model(path)
    places = shared_places(ours, tissue, genes)
    assert len(places) == 27
    found = probabilities(ours, logged, places)
    np.testing.assert_allclose(found, told.probability_matrix[list(ours.types)].to_numpy(), atol=1e-5)
    best = np.array(ours.types)[found.argmax(axis=1)]
    np.testing.assert_array_equal(best, told.predicted_labels["predicted_labels"].astype(str))


def test_the_handler_names_cells_and_says_that_it_predicts(trained, tissue: DatasetRecord, desk: Desk) -> None:
    facts = annotate({"dataset": tissue.id, "how": "celltypist", "path": str(trained[2])}, desk)
    table = table_of(desk.result)
    # The model knows this panel's GENE3 by the place of another gene: only where it is sure does it name.
    assert (table["type"] == UNSURE).eq(table["probability"] < 0.5).all()
    assert "from 27 of its 30 genes: predictions" in facts["source"]
    assert facts["shared_genes"] == 27


def test_one_regression_by_hand(tmp_path: Path, tissue: DatasetRecord) -> None:
    model = read_model(tiny(tmp_path))
    places = shared_places(model, tissue, ("GENE0", "GENE10"))
    logged = csr_matrix(np.array([[2.5, 0.5], [90.0, 0.0]], dtype=np.float32))
    found = probabilities(model, logged, places)
    # (2.5 - .5) / 2 = 1 and 0: decision 1 + .1 for A; 89.5 / 2 is clipped to 10, -.5 / 2 = -.25.
    np.testing.assert_allclose(found[:, 0], 1 / (1 + np.exp([-1.1, -10.35])), rtol=1e-6)
    np.testing.assert_allclose(found[0, 1], 1 / (1 + np.exp(1.1)), rtol=1e-6)


def test_a_model_without_a_scaler_takes_values_as_they_are(tmp_path: Path) -> None:
    model = read_model(tiny(tmp_path, "gene,A,B\nG,1,2\nintercept,0,0\n"))
    assert (model.mean, model.scale) == (0.0, 1.0)


def test_the_same_model_as_parquet(tmp_path: Path) -> None:
    pd.read_csv(tiny(tmp_path)).to_parquet(tmp_path / "model.parquet")
    assert read_model(tmp_path / "model.parquet").types == ("A", "B")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("gene,A\nG,1\n", r"1 columns of types.*'intercept'"),
        ("gene,A,B\nG,1,2\nG,1,2\nintercept,0,0\n", "1 genes stand there twice, such as 'G'"),
        ("gene,A,B\nG,1,\nintercept,0,0\n", "missing or not finite"),
        ("gene,A,B\nG,1,2\nintercept,,0\n", "missing or not finite"),
        ("gene,A,B,scaler_mean\nG,1,2,0\nintercept,0,0,0\n", "both or none"),
        ("gene,A,B,scaler_mean,scaler_scale\nG,1,2,0,0\nintercept,0,0,0,1\n", "above 0"),
        ("gene,A,B\nG,x,2\nintercept,0,0\n", "2 columns of text"),
        ("A,B\n1,2\n3,4\n", "0 columns of text"),
    ],
)
def test_what_is_no_model_is_refused_in_words(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=told):
        read_model(tiny(tmp_path, text))


def test_no_shared_gene_is_refused_with_names_of_both_sides(tmp_path: Path, tissue: DatasetRecord, desk: Desk) -> None:
    path = tiny(tmp_path, "gene,A,B\nENSG01,1,2\nintercept,0,0\n")
    with pytest.raises(DataError, match=r"ENSG01.*GENE0, GENE1"):
        annotate({"dataset": tissue.id, "how": "celltypist", "path": str(path)}, desk)


def test_a_group_takes_the_commonest_type_of_its_cells() -> None:
    clusters = np.array(["x", "x", "x", "y", "y", "y"], dtype=object)
    names, chosen = vote(np.array([0, 0, 1, 0, 1, 2]), clusters, ("A", "B", "C"))
    assert list(names) == ["A", "A", "A", UNSURE, UNSURE, UNSURE], "a third is no majority"
    assert list(chosen) == [0] * 6
