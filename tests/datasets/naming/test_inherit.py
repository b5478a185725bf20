"""Names of another version, cell by cell."""

from __future__ import annotations

import numpy as np
import pytest

from backend.datasets import canonical
from backend.datasets.naming.annotate import annotate
from backend.datasets.naming.found import UNSURE
from backend.errors import DataError
from backend.records import DatasetRecord, JobState, JobStatus
from backend.store import index
from tests.datasets.desk import Desk
from tests.datasets.naming.small_tissue import finished, kinds, table_of
from tests.datasets.raws import look, make_raw, places


@pytest.fixture
def part(tissue: DatasetRecord) -> DatasetRecord:
    """The first 100 cells of the tissue, and ten that it does not have."""
    raw = make_raw(kinds(110)[0], where=places(110))
    raw.obs.index = [*raw.obs.index[:100], *(f"new{i}" for i in range(10))]
    record = canonical.write(look(raw).require(), "Part")
    index.put(record)
    return record


def test_types_go_along_by_the_cells_ids(tissue: DatasetRecord, part: DatasetRecord, desk: Desk) -> None:
    rng = np.random.default_rng(0)
    types, distance = rng.permutation(kinds(150)[1]), np.arange(150.0)
    groups = np.where(np.arange(150) < 3, "group 1", np.where(np.arange(150) > 140, "group 2", ""))
    told = [{"group": "group 1", "cells": 3}, {"group": "group 2", "cells": 9}]
    base = finished(
        tissue, types, {"no_counterpart": told, "calibration": {"ece": 0.01}}, distance=distance, group=groups
    )
    facts = annotate({"dataset": part.id, "how": "inherit", "base": base}, desk)
    table = table_of(desk.result)
    np.testing.assert_array_equal(table["type"][:100], types[:100])
    np.testing.assert_array_equal(table["distance"][:100], distance[:100])
    assert (table["type"][100:] == UNSURE).all()
    assert table["probability"][100:].isna().all()
    assert facts["not_named"] == 10
    assert facts["unsure"] == pytest.approx(10 / 110, abs=1e-4)
    assert "10 cells that it does not name are unsure" in facts["source"]
    assert facts["no_counterpart"] == told[:1]
    assert facts["calibration"] == {"ece": 0.01}


def test_names_that_are_not_there_are_refused(tissue: DatasetRecord, part: DatasetRecord, desk: Desk) -> None:
    index.put(JobStatus(id="annotate-x", kind="annotate", params={}, state=JobState.FAILED))
    with pytest.raises(DataError, match=r"not there.*failed"):
        annotate({"dataset": part.id, "how": "inherit", "base": "annotate-x"}, desk)
