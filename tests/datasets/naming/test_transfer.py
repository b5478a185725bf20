"""Cell types from a reference: names, how sure, and what the reference lacks."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from backend.datasets import canonical
from backend.datasets.naming.counterparts.calibration import calibration, macro_f1
from backend.datasets.naming.found import UNSURE, Found
from backend.datasets.naming.transfer import Transferred, by_reference, transfer
from backend.datasets.simulated import Sample, simulate
from backend.errors import DataError
from backend.methods.contract import Cells
from backend.records import DatasetRecord
from backend.store import index
from benchmarks import naming_real
from tests.datasets.desk import Desk
from tests.datasets.naming.small_tissue import finished, kinds
from tests.datasets.raws import GENES, look, make_raw


def cells(values: np.ndarray, scale: str = "counts") -> Cells:
    return Cells(csr_matrix(values), GENES, scale)  # type: ignore[arg-type]


def names_of(found: Transferred) -> np.ndarray:
    return found.types


@pytest.mark.parametrize("scale", ["counts", "log", "normalised"])
def test_every_scale_of_reference_and_tissue(scale: str) -> None:
    (reference, types), (query, truth) = kinds(300), kinds(300, seed=1)
    made = {"counts": lambda x: x, "log": np.log1p, "normalised": lambda x: x / 7}[scale]
    assert np.mean(names_of(transfer(cells(made(reference), scale), types, cells(query))) == truth) > 0.95
    assert np.mean(names_of(transfer(cells(reference), types, cells(made(query), scale))) == truth) > 0.95


def test_a_missing_kind_is_unsure_and_the_others_are_not() -> None:
    (reference, types), (query, truth) = kinds(300), kinds(600, seed=1)
    known = types != "B"
    found = transfer(cells(reference[known]), types[known], cells(query))
    named = names_of(found)
    assert np.mean(named[truth == "B"] == UNSURE) > 0.95
    assert np.mean(named[truth != "B"] == truth[truth != "B"]) > 0.9
    assert np.median(found.distance[truth == "B"]) > 1
    assert np.mean(found.distance[truth != "B"] > 1) < 0.1
    assert np.median(found.resemblance[truth == "B"]) > np.median(found.probability[truth == "B"])


def test_empty_cells_are_unsure_and_small_types_are_learnt() -> None:
    (reference, types), (query, _) = kinds(300), kinds(90, seed=1)
    types[0] = "alone"
    query[4] = 0
    found = transfer(cells(reference), types, cells(query))
    assert names_of(found)[4] == UNSURE
    assert found.probability[4] == 0
    assert "alone" in found.names
    assert [found.names[t] for t in found.held_out.spared] == ["alone"]


def test_unknown_and_unsure_cells_teach_nothing() -> None:
    reference, types = kinds(300)
    types[::4], types[1::4] = "unknown", UNSURE
    assert set(transfer(cells(reference), types, cells(kinds(60, seed=1)[0])).names) == {"A", "B", "C"}


def test_the_same_seed_gives_the_same_answer() -> None:
    (reference, types), (query, _) = kinds(300), kinds(200, seed=1)
    first, second = (transfer(cells(reference), types, cells(query), seed=5) for _ in range(2))
    np.testing.assert_array_equal(first.probability, second.probability)
    np.testing.assert_array_equal(first.distance, second.distance)


def test_a_tissue_of_one_cell_and_other_genes() -> None:
    reference, types = kinds(300)
    assert names_of(transfer(cells(reference), types, cells(reference[:1] * 5)))[0] in ("A", UNSURE)
    with pytest.raises(ValueError, match="same genes"):
        transfer(cells(reference), types, replace(cells(reference), genes=GENES[::-1]))
    with pytest.raises(DataError, match="No cell of the tissue"):
        transfer(cells(reference), types, cells(reference * 0))
    silent = np.where(types[:, None] == "A", reference, 0.0)
    with pytest.raises(DataError, match="Fewer than two cell types"):
        transfer(cells(silent), types, cells(reference))


# By the job's way: records, files, sentences


@pytest.fixture
def atlas(tissue: DatasetRecord) -> DatasetRecord:
    """Kinds A and C of 300 cells; the tissue has B as well."""
    values, truth = kinds(300, seed=1)
    kept = truth != "B"
    raw = look(make_raw(values[kept], obs={"cell_type": truth[kept]}, where=False), "reference")
    return put(raw.require())


def put(healthy: Any) -> DatasetRecord:
    record = canonical.write(healthy, "Atlas")
    index.put(record)
    return record


def found_by(tissue: DatasetRecord, reference: DatasetRecord, desk: Desk, **params: Any) -> Found:
    return by_reference(tissue, {"reference": reference.id, "seed": 0, **params}, desk)  # type: ignore[arg-type]


def test_all_that_the_pages_show_is_found(tissue: DatasetRecord, atlas: DatasetRecord, desk: Desk) -> None:
    found = found_by(tissue, atlas, desk)
    facts = json.loads(json.dumps(found.facts, allow_nan=False))
    truth = kinds(150)[1]
    assert np.mean(found.types[truth == "B"] == UNSURE) > 0.9
    assert facts["shared_genes"] == 30
    assert facts["types"] == 2
    assert facts["sure_from"] == 0.5
    assert facts["held_out_accuracy"] > 0.95
    assert facts["held_out_macro_f1"] > 0.95
    assert sum(n for _, _, n in facts["calibration"]["bins"]) == facts["calibration"]["n"] >= 200
    gone = facts["no_counterpart"]
    assert sum(group["cells"] for group in gone) == pytest.approx(50, abs=5)
    assert all(group["distance"] > group["limit"] for group in gone)
    assert set(gone[0]["markers"]) <= {f"GENE{i}" for i in range(10, 20)}
    assert set(gone[0]) == {
        "group", "cells", "median_probability", "distance", "limit", "nearest", "markers"
    }  # fmt: skip
    assert found.source.startswith("Transferred from Atlas (30 shared genes): predictions, not annotations.")
    assert f"{sum(group['cells'] for group in gone)} cells in groups without a counterpart" in found.source


def test_tables_and_columns_fit_each_other(tissue: DatasetRecord, atlas: DatasetRecord, desk: Desk) -> None:
    found = found_by(tissue, atlas, desk)
    assert {name: len(column) for name, column in found.extra.items()} == dict.fromkeys(
        ("distance", "likeliest", "group"), 150
    )
    groups = found.tables["groups"].set_index("group")
    sizes = pd.Series(found.extra["group"]).value_counts()
    assert dict(groups["cells"]) == dict(sizes)
    lost = groups.index[groups["no_counterpart"]]
    assert [group["group"] for group in found.facts["no_counterpart"]] == list(lost)
    in_lost = np.isin(found.extra["group"].astype(str), list(lost))
    assert np.median(found.extra["distance"][in_lost]) > 1
    confusion = found.tables["confusion"]
    assert list(confusion) == ["truth", "predicted", "n"]
    assert confusion["n"].sum() == found.facts["calibration"]["n"]
    assert set(confusion["truth"]) == {"A", "C"}
    named = found.types != UNSURE
    np.testing.assert_array_equal(found.types[named], found.extra["likeliest"][named])


def test_unsure_is_a_probability_below_one_half(tissue: DatasetRecord, atlas: DatasetRecord, desk: Desk) -> None:
    found = found_by(tissue, atlas, desk)
    np.testing.assert_array_equal(found.types == UNSURE, found.probability < 0.5)


def test_types_of_the_reference_from_an_annotation(tissue: DatasetRecord, desk: Desk) -> None:
    values, truth = kinds(300, seed=1)
    bare = put(look(make_raw(values, where=False), "reference").require())
    with pytest.raises(DataError, match="names no cell types"):
        found_by(tissue, bare, desk)
    names = np.array([{"A": "alpha", "B": "beta", "C": UNSURE}[kind] for kind in truth], dtype=object)
    found = found_by(tissue, bare, desk, reference_types=finished(bare, names))
    assert set(found.types) <= {"alpha", "beta", UNSURE}
    assert np.mean(found.types[kinds(150)[1] == "A"] == "alpha") > 0.9


@pytest.mark.parametrize(
    ("names", "told"),
    [(["A"] * 300, "names 1 usable cell type; two"), (["unsure"] * 300, "names 0 usable cell types")],
)
def test_too_few_types_are_refused(tissue: DatasetRecord, desk: Desk, names: list[str], told: str) -> None:
    bare = put(look(make_raw(kinds(300)[0], where=False), "reference").require())
    with pytest.raises(DataError, match=told):
        found_by(tissue, bare, desk, reference_types=finished(bare, np.array(names, dtype=object)))


def test_names_of_single_cells_are_refused(tissue: DatasetRecord, desk: Desk) -> None:
    bare = put(look(make_raw(kinds(300)[0], where=False), "reference").require())
    names = np.array([f"cell {i}" for i in range(300)], dtype=object)
    with pytest.raises(DataError, match="names 300 cell types; 200 are the most"):
        found_by(tissue, bare, desk, reference_types=finished(bare, names))


# The numbers that are promised (docs/benchmarks.md)


def over_panel(sample: Sample, genes: tuple[str, ...], kept: np.ndarray) -> Cells:
    place = {gene: i for i, gene in enumerate(sample.genes)}
    return Cells(csr_matrix(sample.counts[kept][:, [place[gene] for gene in genes]]), genes, "counts")


@pytest.mark.parametrize(
    "missing", [("Tumour", "Endothelial", "Macrophage"), ("Fibroblast", "CD8 T cell", "Pericyte"), ()]
)
def test_the_simulated_tissue_with_types_missing(missing: tuple[str, ...]) -> None:
    demo = simulate(1)
    kept = ~demo.reference.truth["type"].isin(missing).to_numpy()
    reference = over_panel(demo.reference, demo.tissue.genes, kept)
    tissue = over_panel(demo.tissue, demo.tissue.genes, np.ones(len(demo.tissue.truth), dtype=bool))
    found = transfer(reference, demo.reference.truth["type"].to_numpy(dtype=object)[kept], tissue)
    truth, named = demo.tissue.truth["type"].to_numpy(dtype=object), names_of(found)
    present, unsure = ~np.isin(truth.astype(str), missing), named == UNSURE
    assert macro_f1(truth[present].astype(str), named[present].astype(str)) >= 0.85
    right = found.names[found.likeliest] == truth
    for some in (present, np.ones(len(truth), dtype=bool)):
        assert calibration(found.probability[some].astype(float), right[some])[0] <= 0.05
    if missing:
        assert unsure[~present].mean() >= 0.8
        assert (~present)[unsure].mean() >= 0.8
    else:
        assert unsure.mean() < 0.02


@pytest.mark.skipif(not naming_real.DATA.exists(), reason="the real files (../shared/data) are not here")
def test_osmfish_from_a_reference_of_three_types(capsys: pytest.CaptureFixture[str]) -> None:
    def ours(*asked: Any) -> tuple[np.ndarray, np.ndarray]:
        found = transfer(*asked)
        return found.names[found.likeliest], found.probability

    row = naming_real.osmfish({"transfer": ours})["transfer"]
    assert row["others_unsure"] > 0.8
    assert row["TEINH"]["precision"] > 0.7
    assert row["TEINH"]["recall"] > 0.55
    assert row["MOL1"]["recall"] > 0.85
