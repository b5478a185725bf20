"""Marker lists: read with all problems told at once, scored per cluster, unsure where nothing is clear."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from backend.datasets.naming.annotate import annotate
from backend.datasets.naming.found import UNSURE
from backend.datasets.naming.marker_lists import cell_scores, cluster_scores, read_lists, spellings, suggest
from backend.errors import DataError
from backend.records import DatasetRecord
from tests.datasets.desk import Desk
from tests.datasets.naming.small_tissue import kinds, table_of

KNOWN = {gene.casefold(): gene for gene in ("CD3D", "CD3E", "EPCAM", "KRT8", "MS4A1")}


@pytest.mark.parametrize(
    "text",
    [
        "T cell: CD3D, cd3e\nTumour: EPCAM KRT8\n",
        "# mine\nT cell\tCD3D\nT cell\tCD3E\n\nTumour\tEPCAM, KRT8",
        "cell_type,gene\nT cell,CD3D\nT cell,CD3E\nTumour,EPCAM\nTumour,KRT8\n",
        '\ufeff"T cell",CD3D,CD3E\r\nTumour,EPCAM,KRT8\r\n',
    ],
)
def test_lists_are_read_as_people_write_them(text: str) -> None:
    found = read_lists(text, KNOWN)
    assert found.lists == {"T cell": ("CD3D", "CD3E"), "Tumour": ("EPCAM", "KRT8")}
    assert found.notes == found.faults == ()


def test_all_problems_are_told_at_once() -> None:
    text = "T cell: CD3D, FOO\nT cell: CD3E\nMast: KIT, CPA3\nB cell:\n: MS4A1\n" + "x" * 81 + ": EPCAM\n"
    found = read_lists(text, KNOWN)
    assert found.lists == {"T cell": ("CD3D", "CD3E")}
    assert found.notes == (
        "'T cell' stands there twice: its lists were joined.",
        "'T cell': 1 of 3 genes are not measured here (FOO).",
        "'Mast' is left out: none of its 2 genes is measured here.",
    )
    assert [fault.split(":")[0] for fault in found.faults] == ["Line 4", "Line 5", "Line 6"]
    with pytest.raises(DataError, match=r"Line 4.*Line 6.*Mast"):
        found.require()


@pytest.mark.parametrize(("text", "told"), [("", "No marker list"), ("T cell: FOO", "No list has a gene of this")])
def test_nothing_to_score_is_refused(text: str, told: str) -> None:
    with pytest.raises(DataError, match=told):
        read_lists(text, KNOWN).require()


def test_too_much_is_refused() -> None:
    assert "200,000" in read_lists("T: " + "CD3D, " * 40_000, KNOWN).faults[0]
    assert "201 types" in read_lists("\n".join(f"T{i}: CD3D" for i in range(201)), KNOWN).faults[0]


def test_genes_are_known_by_symbol_and_id_in_any_case(tissue: DatasetRecord) -> None:
    assert spellings(tissue.id)["gene7"] == "GENE7"


def test_a_score_is_the_lists_mean_above_the_panels() -> None:
    values = np.array([[4, 0, 1], [0, 4, 1], [2, 2, 1]], dtype=np.float32)
    spread = values[:, 0].std()
    scores = cell_scores(csr_matrix(values), ("a", "b", "c"), {"A": ("a",), "all": ("a", "b", "c")})
    # Cell 0: a lies 2 above its mean, b 2 below; c is constant and says nothing. The panel's mean is 0.
    np.testing.assert_allclose(scores[:, 0], [2 / spread, -2 / spread, 0], atol=1e-5)
    np.testing.assert_allclose(scores[:, 1], 0, atol=1e-6)


def test_a_cluster_takes_a_list_only_where_it_is_clearly_best() -> None:
    clusters = np.array(["1", "1", "2", "2", "3", "3"], dtype=object)
    lists = {"A": ("a",), "B": ("b",), "C": ("c",)}
    own = np.array([[3, 0, 0], [3, 0, 0], [0, 3, 3], [0, 3, 3], [-1, -1, -1], [-1, -1, -1]], dtype=np.float32)
    scores = cluster_scores(own, clusters, lists)
    told = {row["group"]: row for row in suggest(scores, clusters)}
    assert told["1"]["suggestion"] == "A"
    assert told["2"]["suggestion"] == UNSURE, "B and C are as good as each other"
    assert told["3"]["suggestion"] == UNSURE, "no list is better than the panel"
    assert told["1"]["cells"] == 2
    best = scores[(scores["cluster"] == "1") & (scores["type"] == "A")].iloc[0]
    assert best["share"] == 1.0
    np.testing.assert_allclose(best["score"], (3 - 2 / 3) / np.std([3, 0, -1]), rtol=1e-5)


def test_the_handler_names_clusters_and_keeps_what_a_dot_plot_needs(tissue: DatasetRecord, desk: Desk) -> None:
    lists = {kind: [f"GENE{10 * place + gene}" for gene in range(4)] for place, kind in enumerate("ABC")}
    facts = annotate({"dataset": tissue.id, "how": "markers", "lists": lists, "resolution": 0.3}, desk)
    table, truth = table_of(desk.result), kinds(150)[1]
    assert np.mean(table["type"].to_numpy() == truth) > 0.95
    assert {row["group"] for row in facts["suggestions"]} == set(table["group"])
    assert facts["types"] == 3
    dots = pd.read_parquet(desk.result / "dots.parquet")
    assert len(dots) == 12 * table["group"].nunique()
    (group,) = table.loc[truth == "A", "group"].mode()
    means = dots[dots["cluster"] == group].set_index("gene")["mean"]
    assert means["GENE0"] > 2 * means["GENE10"]
    values = kinds(150)[0][table["group"] == group]
    logged = np.log1p(values / values.sum(axis=1, keepdims=True) * 1e4)
    shares = dots[dots["cluster"] == group].set_index("gene")["share"]
    np.testing.assert_allclose(means["GENE0"], logged[:, 0].mean(), rtol=1e-5)
    np.testing.assert_allclose(shares["GENE0"], (values[:, 0] > 0).mean(), rtol=1e-6)


def test_one_list_alone_still_leaves_the_others_unsure(tissue: DatasetRecord, desk: Desk) -> None:
    lists = {"A": [f"GENE{gene}" for gene in range(10)]}
    annotate({"dataset": tissue.id, "how": "markers", "lists": lists, "resolution": 0.3}, desk)
    table, truth = table_of(desk.result), kinds(150)[1]
    assert set(table["type"]) == {"A", UNSURE}
    assert np.mean(table["type"].to_numpy()[truth != "A"] == UNSURE) > 0.95
