from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backend.datasets.readers import read
from backend.errors import DataError
from tests.datasets.small_files import CELLS, COUNTS, GENES, PLACES, write_h5ad, write_tenx_h5

MAX_MB = 64


def counts() -> pd.DataFrame:
    return pd.DataFrame(COUNTS.copy(), index=pd.Index(CELLS), columns=GENES)


def places() -> pd.DataFrame:
    return pd.DataFrame({"cell": CELLS, "X": PLACES[:, 0], "Y": PLACES[:, 1]})


@pytest.mark.parametrize(("name", "separator"), [("a.csv", ","), ("a.tsv", "\t"), ("a.csv.gz", ","), ("a.txt", ";")])
def test_counts_have_cells_as_rows(tmp_path: Path, name: str, separator: str) -> None:
    counts().to_csv(tmp_path / name, sep=separator)
    raw = read([tmp_path / name], MAX_MB)
    np.testing.assert_array_equal(raw.matrices["X"].values.toarray(), COUNTS)
    assert list(raw.matrices["X"].features.index) == GENES
    assert list(raw.obs.index) == CELLS
    assert raw.notes == ["Rows were taken as cells and columns as genes: 6 cells, 4 genes."]
    assert raw.coordinates == {}


def test_a_long_table_is_read_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.datasets.readers.text_tables._BLOCK_VALUES", 10)
    counts().to_csv(tmp_path / "a.csv")
    np.testing.assert_array_equal(read([tmp_path / "a.csv"], MAX_MB).matrices["X"].values.toarray(), COUNTS)


def test_a_table_as_r_writes_it_names_no_first_column(tmp_path: Path) -> None:
    lines = counts().to_csv(sep="\t").splitlines()
    (tmp_path / "a.tsv").write_text("\n".join([lines[0].lstrip("\t"), *lines[1:]]))
    raw = read([tmp_path / "a.tsv"], MAX_MB)
    np.testing.assert_array_equal(raw.matrices["X"].values.toarray(), COUNTS)
    assert list(raw.matrices["X"].features.index) == GENES
    assert list(raw.obs.index) == CELLS


def test_repeated_genes_keep_their_name(tmp_path: Path) -> None:
    counts().set_axis(["ACTB", "ACTB", "CD3E", "ACTB"], axis=1).to_csv(tmp_path / "a.csv")
    raw = read([tmp_path / "a.csv"], MAX_MB)
    assert list(raw.matrices["X"].features.index) == ["ACTB", "ACTB", "CD3E", "ACTB"]
    np.testing.assert_array_equal(raw.matrices["X"].values.toarray(), COUNTS)


def test_facts_of_cells_are_no_genes(tmp_path: Path) -> None:
    table = counts().assign(cell_type="T cell", fov=1, x=PLACES[:, 0], y=PLACES[:, 1])
    table.to_csv(tmp_path / "a.csv")
    raw = read([tmp_path / "a.csv"], MAX_MB)
    assert list(raw.matrices["X"].features.index) == GENES
    assert {"cell_type", "fov"} <= set(raw.obs.columns)
    np.testing.assert_array_equal(raw.coordinates["obs/x,y"], PLACES)


def test_coordinates_of_a_second_table_in_any_order(tmp_path: Path) -> None:
    counts().to_csv(tmp_path / "counts.csv")
    places().iloc[::-1].to_csv(tmp_path / "places.csv", index=False)
    for names in (("counts.csv", "places.csv"), ("places.csv", "counts.csv")):
        raw = read([tmp_path / name for name in names], MAX_MB)
        np.testing.assert_array_equal(raw.coordinates["obs/X,Y"], PLACES)
        np.testing.assert_array_equal(raw.matrices["X"].values.toarray(), COUNTS)
        assert raw.source == "counts.csv + places.csv"


def test_numbers_as_ids_stay_as_written(tmp_path: Path) -> None:
    ids = ["007", "100210519278873141813371229408401071444", "1e5", "3", "4", "NA"]
    counts().set_axis(ids, axis=0).to_csv(tmp_path / "counts.csv", index_label="cell")
    places().assign(cell=ids).rename(columns={"cell": "EntityID", "X": "center_x", "Y": "center_y"}).to_csv(
        tmp_path / "places.csv", index=False
    )
    raw = read([tmp_path / "counts.csv", tmp_path / "places.csv"], MAX_MB)
    assert list(raw.obs.index) == ids
    np.testing.assert_array_equal(raw.coordinates["obs/center_x,center_y"], PLACES)


def test_a_cosmx_pair_is_joined_by_field_and_cell(tmp_path: Path) -> None:
    ids = {"fov": [1, 1, 1, 2, 2, 2], "cell_ID": [1, 2, 3, 1, 2, 3]}
    pd.concat([pd.DataFrame(ids), counts().reset_index(drop=True)], axis=1).to_csv(tmp_path / "expr.csv", index=False)
    table = pd.DataFrame(ids | {"CenterX_global_px": PLACES[:, 0], "CenterY_global_px": PLACES[:, 1]})
    table.iloc[::-1].to_csv(tmp_path / "metadata.csv", index=False)
    raw = read([tmp_path / "expr.csv", tmp_path / "metadata.csv"], MAX_MB)
    assert list(raw.obs.index) == ["1_1", "1_2", "1_3", "2_1", "2_2", "2_3"]
    assert list(raw.matrices["X"].features.index) == GENES
    np.testing.assert_array_equal(next(iter(raw.coordinates.values())), PLACES)
    assert raw.hints.unit == "px"


def test_a_table_of_places_also_serves_an_h5ad(tmp_path: Path) -> None:
    places().assign(X=lambda table: table.X + 1).to_csv(tmp_path / "places.csv", index=False)
    raw = read([write_h5ad(tmp_path / "a.h5ad"), tmp_path / "places.csv"], MAX_MB)
    assert list(raw.coordinates) == ["obs/X,Y", "obsm/spatial"]


def test_counts_that_lie_on_their_side_are_said(tmp_path: Path) -> None:
    counts().T.to_csv(tmp_path / "counts.csv")
    places().to_csv(tmp_path / "places.csv", index=False)
    with pytest.raises(DataError, match="those are genes x cells"):
        read([tmp_path / "counts.csv", tmp_path / "places.csv"], MAX_MB)


def test_text_among_counts_is_refused_wherever_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.datasets.readers.text_tables._BLOCK_VALUES", 10)
    table = counts().astype(object)
    table.iloc[5, 2] = "many"
    table.to_csv(tmp_path / "a.csv")
    with pytest.raises(DataError, match="text among its counts"):
        read([tmp_path / "a.csv"], MAX_MB)


def test_missing_counts_are_left_for_the_doctor(tmp_path: Path) -> None:
    table = counts()
    table.iloc[2, 1] = np.nan
    table.to_csv(tmp_path / "a.csv")
    assert np.isnan(read([tmp_path / "a.csv"], MAX_MB).matrices["X"].values.data).sum() == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns=["X"]), "do not belong together"),
        (lambda table: table.drop(columns=["cell"]), "names no cells"),
        (lambda table: table.assign(cell="same"), "lists cells twice"),
    ],
)
def test_a_table_that_cannot_be_joined_is_refused(tmp_path: Path, change, message: str) -> None:
    counts().to_csv(tmp_path / "counts.csv")
    change(places()).to_csv(tmp_path / "places.csv", index=False)
    with pytest.raises(DataError, match=message):
        read([tmp_path / "counts.csv", tmp_path / "places.csv"], MAX_MB)


def test_two_files_of_counts_do_not_belong_together(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="do not belong together"):
        read([write_h5ad(tmp_path / "a.h5ad"), write_tenx_h5(tmp_path / "b.h5")], MAX_MB)


@pytest.mark.parametrize("text", ["", "one line only", "a,b,c", "\n\n\n", "no separator\nat all\n"])
def test_text_that_is_no_table_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError) as caught:
        read([tmp_path / "a.csv"], MAX_MB)
    assert caught.value.mend


def test_packed_text_stops_at_the_limit(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"cell,ACTB\n" + b"c,0\n" * 5_000_000))
    with pytest.raises(DataError, match="100 times its size"):
        read([tmp_path / "a.csv.gz"], MAX_MB)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("cell,GENE1,GENE2\nc\xe9,1,2\n".encode("latin-1"), "not text in UTF-8"),
        (b"cell,GENE1,GENE2\nc1,1,2\nc2,1,2,3\n", "not one table"),
        (b"cell,GENE1,GENE2\n", "holds no rows"),
    ],
)
def test_text_that_is_no_table_is_told_with_its_mend(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "counts.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=what) as caught:
        read([path], 100)
    assert "Error" not in caught.value.why
    assert caught.value.mend
