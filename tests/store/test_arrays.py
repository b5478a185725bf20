from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zarr

from backend.errors import NotFound
from backend.store.arrays import column_genes, read_column, read_columns, write_columns, write_portions


def test_one_gene_and_all_genes_come_back_with_their_gaps(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((30, 11)).astype(np.float32)
    values[3] = np.nan
    genes = tuple(f"g{i}" for i in range(11))
    write_columns(tmp_path / "c.zarr", values, genes)
    np.testing.assert_array_equal(read_column(tmp_path / "c.zarr", "g7"), values[:, 7])
    np.testing.assert_array_equal(read_columns(tmp_path / "c.zarr")[0], values)
    assert column_genes(tmp_path / "c.zarr") == genes
    assert zarr.open_group(tmp_path / "c.zarr", mode="r").metadata.zarr_format == 3


def test_an_unknown_gene_and_a_wrong_width_are_refused(tmp_path: Path) -> None:
    write_columns(tmp_path / "c.zarr", np.zeros((2, 1), np.float32), ("a",))
    with pytest.raises(NotFound):
        read_column(tmp_path / "c.zarr", "b")
    with pytest.raises(ValueError):
        write_columns(tmp_path / "d.zarr", np.zeros((2, 1), np.float32), ("a", "b"))


def test_one_gene_of_many_cells_reads_few_chunks(tmp_path: Path) -> None:
    write_columns(tmp_path / "c.zarr", np.zeros((1000, 100), np.float32), tuple(map(str, range(100))))
    chunks = zarr.open_group(tmp_path / "c.zarr", mode="r")["values"].chunks  # type: ignore[union-attr]
    assert chunks[0] == 1000
    assert chunks[1] <= 8


def test_portions_are_the_same_as_the_whole(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((30, 11)).astype(np.float32)
    genes = tuple(f"g{i}" for i in range(11))
    write_portions(tmp_path / "c.zarr", 30, genes, (values[:, at : at + 4] for at in range(0, 11, 4)))
    np.testing.assert_array_equal(read_columns(tmp_path / "c.zarr")[0], values)
    np.testing.assert_array_equal(read_column(tmp_path / "c.zarr", "g10"), values[:, 10])
    with pytest.raises(ValueError, match="8 columns for 11 genes"):
        write_portions(tmp_path / "d.zarr", 30, genes, (values[:, at : at + 4] for at in (0, 4)))
