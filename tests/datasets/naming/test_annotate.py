"""Types from a reference, or from clusters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from backend.datasets import canonical
from backend.datasets.naming.annotate import annotate
from backend.datasets.naming.clusters import cluster_types
from backend.errors import DataError
from backend.records import DatasetRecord
from backend.store import index
from tests.datasets.desk import Desk
from tests.datasets.raws import look, make_raw, places

TYPES = ("A", "B", "C")


def typed(n_cells: int, seed: int, depth: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Three types, ten marker genes each; `depth` thins the counts."""
    rng = np.random.default_rng(seed)
    types = np.array(TYPES, dtype=object)[np.arange(n_cells) % 3]
    rate = np.full((n_cells, 30), 0.3)
    for number, name in enumerate(TYPES):
        rate[np.ix_(types == name, range(10 * number, 10 * number + 10))] = 3.0
    return rng.poisson(rate * depth).astype(np.float32), types


def test_clusters_are_found_and_numbered_from_the_largest() -> None:
    values, truth = typed(300, 0)
    some = (truth != "A") | (np.arange(300) % 2 == 0)  # the first type is not the largest
    values, truth = values[some], truth[some]
    found = cluster_types(csr_matrix(values), "counts", resolution=0.3)
    sizes = pd.Series(found).value_counts()
    assert sorted(sizes.index) == [f"cluster {i + 1}" for i in range(len(sizes))]
    assert list(sizes.sort_index()) == sorted(sizes, reverse=True)
    purity = pd.crosstab(found, truth).max(axis=1).sum() / len(truth)
    assert purity > 0.95
    np.testing.assert_array_equal(found, cluster_types(csr_matrix(values), "counts", resolution=0.3))


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[DatasetRecord, DatasetRecord]:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path))
    reference, types = typed(300, 0)
    known = look(make_raw(reference, obs={"cell_type": types}, where=False), "reference").require()
    tissue = look(make_raw(typed(150, 1)[0], where=places(150))).require()
    records = canonical.write(tissue, "Tissue"), canonical.write(known, "Atlas")
    for record in records:
        index.put(record)
    return records


def test_the_handler_writes_a_table_and_a_sentence(study: tuple[DatasetRecord, DatasetRecord], tmp_path: Path) -> None:
    tissue, reference = study
    params = {"dataset": tissue.id, "how": "transfer", "reference": reference.id, "seed": 0}
    facts = annotate(params, Desk(tmp_path))
    table = pd.read_parquet(tmp_path / "types.parquet")
    assert list(table) == ["cell", "type", "probability", "distance", "likeliest", "group"]
    assert np.mean(table["type"] == typed(150, 1)[1]) > 0.95
    assert facts["shared_genes"] == 30
    assert facts["source"].startswith("Transferred from Atlas (30 shared genes)")
    assert "unsure" in facts["source"]


def test_without_a_reference_groups_are_numbered(study: tuple[DatasetRecord, DatasetRecord], tmp_path: Path) -> None:
    facts = annotate({"dataset": study[0].id, "how": "leiden"}, Desk(tmp_path))
    table = pd.read_parquet(tmp_path / "types.parquet")
    assert table["probability"].isna().all()
    assert facts["types"] == table["type"].nunique() > 1
    assert "not named" in facts["source"]


def test_a_reference_without_types_is_refused(study: tuple[DatasetRecord, DatasetRecord], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="names no cell types"):
        annotate({"dataset": study[1].id, "how": "transfer", "reference": study[0].id}, Desk(tmp_path))
