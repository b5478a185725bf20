"""A Xenium run, from the instrument's two files to measures of quality."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backend.datasets.doctor import examine
from backend.datasets.readers import read
from tests.datasets.xenium_files import GENES, Ids, cell_ids, cell_table, counts, write_run

KINDS: list[tuple[Ids, bool]] = [
    ("text", False),
    ("bytes", False),
    ("numbers", False),
    ("text", True),
    ("numbers", True),
]


@pytest.mark.parametrize(("ids", "csv"), KINDS)
def test_a_run_is_read_whole(tmp_path: Path, ids: Ids, csv: bool) -> None:
    files = write_run(tmp_path, ids=ids, csv=csv)
    diagnosis = examine(read(files[::-1], 64), "tissue")
    ready = diagnosis.require()
    names, values = cell_ids(120, ids), counts(120)
    table = cell_table(values, names)
    assert list(ready.obs.index) == names
    assert list(ready.genes.index) == list(GENES)
    np.testing.assert_array_equal(ready.values.toarray(), values[:, : len(GENES)])
    np.testing.assert_allclose(ready.coordinates_um, table[["x_centroid", "y_centroid"]], rtol=1e-12)
    assert (ready.um_per_unit, ready.spots, ready.scale) == (1.0, False, "counts")
    assert set(ready.excluded["kind"]) == {"negative control", "codeword"}


@pytest.mark.parametrize("csv", [False, True])
def test_its_measures_are_known(tmp_path: Path, csv: bool) -> None:
    ready = examine(read(write_run(tmp_path, csv=csv), 64), "tissue").require()
    values = counts(120)
    table = cell_table(values, cell_ids(120))
    assert ready.measures is not None
    controls = values[:, len(GENES) :].sum(axis=1)
    np.testing.assert_allclose(ready.measures["control_share"], controls / values.sum(axis=1))
    np.testing.assert_allclose(ready.measures["area_um2"], table["cell_area"])
    assert {"nucleus_area", "control_probe_counts", "segmentation_method"} <= set(ready.obs)


def test_the_matrix_alone_says_the_same_of_controls_as_the_table(tmp_path: Path) -> None:
    """The two files of a run count the same control probes."""
    files = write_run(tmp_path)
    raw = read(files, 64)
    from_matrix = examine(raw, "tissue").require()
    raw.controls = None
    from_table = examine(raw, "tissue").require()
    assert from_matrix.measures is not None
    assert from_table.measures is not None
    np.testing.assert_allclose(from_matrix.measures["control_share"], from_table.measures["control_share"])
