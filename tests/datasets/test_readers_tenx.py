from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backend.datasets.raw import Raw
from backend.datasets.readers import read
from backend.errors import DataError
from tests.datasets.small_files import (
    CELLS,
    COUNTS,
    GENES,
    PLACES,
    make_cells,
    tenx_members,
    write_tar,
    write_tenx_h5,
    write_tenx_h5_of_version_2,
    write_zip,
)

MAX_MB = 64


def assert_genes(raw: Raw) -> None:
    np.testing.assert_array_equal(raw.matrices["X"].values.toarray(), COUNTS)
    assert list(raw.matrices["X"].features.index) == GENES
    assert list(raw.obs.index) == CELLS


def test_h5_keeps_genes_and_sets_controls_aside(tmp_path: Path) -> None:
    raw = read([write_tenx_h5(tmp_path / "cell_feature_matrix.h5")], MAX_MB)
    assert_genes(raw)
    assert raw.excluded == {"NegControlProbe_1": 12.0, "antisense_2": 6.0}
    assert raw.matrices["X"].features["gene_ids"].iloc[1] == "ENSG00000000001"
    assert raw.coordinates == {}


def test_h5_of_version_2(tmp_path: Path) -> None:
    assert_genes(read([write_tenx_h5_of_version_2(tmp_path / "old.h5")], MAX_MB))


@pytest.mark.parametrize("prefix", ["", "filtered_feature_bc_matrix/", "GSM12_", "folder/GSM12_"])
@pytest.mark.parametrize("write", [write_zip, write_tar])
def test_matrix_folder(tmp_path: Path, write, prefix: str) -> None:
    raw = read([write(tmp_path / "matrix.packed", tenx_members(prefix))], MAX_MB)
    assert_genes(raw)
    assert raw.excluded == {"CD3": 12.0}


def test_of_two_matrix_folders_the_filtered_one_is_read(tmp_path: Path) -> None:
    members = tenx_members("filtered_matrix/") | tenx_members("raw_matrix/")
    assert_genes(read([write_zip(tmp_path / "outs.zip", members)], MAX_MB))
    with pytest.raises(DataError, match="does not hold one matrix"):
        read([write_zip(tmp_path / "two.zip", tenx_members("a/") | tenx_members("b/"))], MAX_MB)


def test_a_matrix_without_its_barcodes_is_refused(tmp_path: Path) -> None:
    members = {name: content for name, content in tenx_members().items() if "barcodes" not in name}
    with pytest.raises(DataError, match=r"no barcodes\.tsv"):
        read([write_zip(tmp_path / "a.zip", members)], MAX_MB)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"%%MatrixMarket matrix coordinate integer general\n5 6 1000000000000\n1 1 1\n", "would take"),
        (b"%%MatrixMarket matrix coordinate integer general\n500 600 1\n1 1 1\n", "does not fit"),
        (b"%%MatrixMarket matrix coordinate complex general\n5 6 1\n1 1 1 1\n", "real numbers"),
        (b"%%MatrixMarket matrix coordinate integer general\n5 6 1\n99 1 1\n", "cannot be read"),
        (b"", "real numbers"),
    ],
)
def test_a_header_that_lies_is_refused(tmp_path: Path, text: bytes, message: str) -> None:
    members = {name: content for name, content in tenx_members().items() if "matrix" not in name}
    with pytest.raises(DataError, match=message):
        read([write_zip(tmp_path / "a.zip", members | {"matrix.mtx": text})], MAX_MB)


@pytest.mark.parametrize("kind", ["parquet", "csv", "csv.gz"])
def test_a_xenium_pair_in_any_order(tmp_path: Path, kind: str) -> None:
    counts, table = write_tenx_h5(tmp_path / "cell_feature_matrix.h5"), tmp_path / f"cells.{kind}"
    cells = make_cells().iloc[::-1]  # in another order
    cells.to_parquet(table) if kind == "parquet" else cells.to_csv(table, index=False)
    for paths in ([counts, table], [table, counts]):
        raw = read(paths, MAX_MB)
        assert_genes(raw)
        np.testing.assert_array_equal(raw.coordinates["obs/x_centroid,y_centroid"], PLACES)
        assert list(raw.obs["cell_area"]) == [40.5, 41.5, 42.5, 43.5, 44.5, 45.5]
        assert raw.hints.unit == "um"
        assert "Xenium" in raw.reasons["unit"]
        assert raw.notes == []


def test_ids_of_bytes_as_older_runs_write_them(tmp_path: Path) -> None:
    cells = make_cells().assign(cell_id=[name.encode() for name in CELLS])
    cells.to_parquet(tmp_path / "cells.parquet")
    assert_genes(read([write_tenx_h5(tmp_path / "a.h5"), tmp_path / "cells.parquet"], MAX_MB))


def test_cells_that_only_one_file_knows_are_counted(tmp_path: Path) -> None:
    cells = make_cells()
    cells.loc[0, "cell_id"] = "stranger-1"
    cells.to_csv(tmp_path / "cells.csv", index=False)
    raw = read([write_tenx_h5(tmp_path / "a.h5"), tmp_path / "cells.csv"], MAX_MB)
    assert list(raw.obs.index) == CELLS[1:]
    np.testing.assert_array_equal(raw.matrices["X"].values.toarray(), COUNTS[1:])
    assert raw.notes[0].startswith("1 of 6 cells are not listed in cells.csv")
    assert raw.notes[1].startswith("1 of 6 cells of cells.csv have no counts")


def test_files_of_two_runs_are_refused_with_the_counts(tmp_path: Path) -> None:
    make_cells().assign(cell_id=[f"other{n}" for n in range(6)]).to_csv(tmp_path / "cells.csv", index=False)
    with pytest.raises(DataError, match="No cell of") as caught:
        read([write_tenx_h5(tmp_path / "a.h5"), tmp_path / "cells.csv"], MAX_MB)
    assert "6 cells (such as 'cell0-1') against 6 ('other0')" in caught.value.why


def test_a_table_of_cells_alone_is_refused(tmp_path: Path) -> None:
    make_cells().to_parquet(tmp_path / "cells.parquet")
    with pytest.raises(DataError, match="holds no counts"):
        read([tmp_path / "cells.parquet"], MAX_MB)


def test_a_space_ranger_pair(tmp_path: Path) -> None:
    table = {"barcode": CELLS, "in_tissue": 1, "array_row": 1, "array_col": 2}
    table |= {"pxl_row_in_fullres": PLACES[:, 1], "pxl_col_in_fullres": PLACES[:, 0]}
    make_cells().iloc[:, :0].assign(**table).to_csv(tmp_path / "tissue_positions.csv", index=False)
    raw = read([write_tenx_h5(tmp_path / "filtered.h5"), tmp_path / "tissue_positions.csv"], MAX_MB)
    np.testing.assert_array_equal(raw.coordinates["obs/pxl_col_in_fullres,pxl_row_in_fullres"], PLACES)
    assert (raw.hints.unit, raw.hints.spots) == ("px", True)
