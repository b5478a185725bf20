from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backend import api
from backend.api import imputed
from backend.errors import NotFound, UserError
from backend.store import layout
from backend.store.arrays import write_columns
from tests.evaluation.imputed.small_pair import MISSING, SHARED, make_pair


def test_a_card_says_whether_a_gene_may_be_printed(small) -> None:
    table = imputed.genes(small["knn"]).set_index("gene")
    card = imputed.gene_card(small["knn"], SHARED[0])
    assert card.measured
    assert card.headline in ("Figure", "Supplement, labelled", "Do not show")
    assert card.verdict == table.loc[SHARED[0], "verdict"]
    assert card.numbers["score"] == pytest.approx(table.loc[SHARED[0], "score"])
    assert card.numbers["attention_entropy"] is None
    assert card.reasons
    off = imputed.gene_card(small["knn"], MISSING[0])
    assert not off.measured
    assert off.numbers["score"] is None
    with pytest.raises(NotFound):
        imputed.gene_card(small["knn"], "TISSUEONLY")


def test_layers_of_a_measured_gene(small) -> None:
    table = imputed.genes(small["knn"]).set_index("gene")
    layers = imputed.gene_layers(small["knn"], SHARED[0])
    assert layers.measured is not None
    counts = make_pair()[0]["counts"]
    assert ((layers.measured > 0) == (counts[:, 0] > 0)).all()
    r = np.corrcoef(layers.measured, layers.imputed)[0, 1]
    assert r == pytest.approx(table.loc[SHARED[0], "score"], abs=1e-4)  # at the very depth that it was scored at
    inside = np.where(
        layers.measured > 0,
        (layers.measured >= layers.low) & (layers.measured <= layers.high),
        layers.zero_in,
    )
    assert inside.mean() == pytest.approx(table.loc[SHARED[0], "coverage"], abs=1e-6)
    np.testing.assert_allclose(layers.type_mean + layers.residual, layers.imputed, atol=1e-6)
    assert len(np.unique(layers.type_mean.round(5))) == 4
    assert set(layers.types) == {"kind 0", "kind 1", "kind 2", "kind 3"}
    assert not layers.hatched.any()  # nobody has matched the reference


def test_layers_of_a_gene_that_was_never_measured(small) -> None:
    layers = imputed.gene_layers(small["knn"], MISSING[0])
    assert layers.measured is None
    assert np.isfinite(layers.imputed).all()
    assert (layers.low <= layers.high).all()
    with pytest.raises(NotFound):
        imputed.gene_layers(small["knn"], "NOSUCH")


def test_pasted_genes_come_back_sorted_and_none_is_lost(small) -> None:
    asked = ["s00", "S01", "nosuch", "S0", "RARE", "m00", " ", "S01"]
    told = imputed.ask_genes(small["knn"], asked)
    assert sorted(told["asked"]) == sorted(["s00", "S01", "nosuch", "S0", "RARE", "m00"])
    rows = told.set_index("asked")
    assert rows.loc["s00", "gene"] == "S00"
    assert rows.loc["m00", "gene"] == "M00"
    assert rows.loc["RARE", "found"] == "not imputed"
    assert rows.loc["S0", "found"] == "unknown"
    assert set(rows.loc["S0", "near"].split(", ")) <= {*SHARED, *MISSING}
    place = {"Figure": 0, "Supplement, labelled": 1, "Do not show": 2, "": 3}
    assert told["headline"].map(place).is_monotonic_increasing


def test_relatives_are_measured_genes(small) -> None:
    found = imputed.nearest_measured(small["knn"], MISSING[0], 3)
    assert len(found) == 3
    assert set(found["relative"]) <= set(SHARED)
    assert found["r"].is_monotonic_decreasing
    assert SHARED[0] not in set(imputed.nearest_measured(small["knn"], SHARED[0], 10)["relative"])
    with pytest.raises(NotFound):
        imputed.nearest_measured(small["knn"], "NOSUCH")


def test_trust_says_how_far_intervals_and_predictions_hold(small) -> None:
    said = imputed.trust(small["knn"])
    overall = next(row for row in said["coverage"] if row["cells"] == "all" and row["tercile"] == "all")
    assert 0.8 < overall["coverage"] < 0.98
    assert len(said["predicted_score"]["pairs"]) == 40
    assert said["predicted_score"]["spearman"] > 0.5


def test_the_bake_off_names_the_better_or_says_that_it_is_not_sure(small, study) -> None:
    found = imputed.bake_off(study.id)
    assert set(found.table["method"]) == {"knn", "spage"}
    assert found.table["pcc"].is_monotonic_decreasing
    assert found.table["best_genes"].sum() == 40
    assert len(found.scores) == 80
    assert len(found.tests) == 1
    sure = found.tests["p_adjusted"].iloc[0] < 0.05
    assert (found.winner == found.table["run"].iloc[0]) == sure
    assert ("leads, but is not surely better" in found.sentence) != sure
    assert imputed.bake_off(study.id, "blocks").table.empty


def test_the_winner_becomes_the_default_and_can_be_taken_back(small, study) -> None:
    assert imputed.use_imputer(study.id, small["spage"]).imputer == small["spage"]
    assert imputed.use_imputer(study.id, small["knn"]).imputer == small["knn"]
    assert api.undo(study.id).imputer == small["spage"]
    assert imputed.use_imputer(study.id, None).imputer is None


def test_another_studys_run_is_not_used(small, dataset) -> None:
    from tests.api.conftest import PANEL

    other = api.create_study("other", dataset("tissue", PANEL).id, dataset("reference", PANEL).id)
    with pytest.raises(UserError, match="not of this study"):
        imputed.use_imputer(other.id, small["knn"])


def test_attention_is_read_and_compared_with_chance(small) -> None:
    assert imputed.attention(small["knn"]) is None
    assert imputed.centroids(small["knn"]) is None
    assert imputed.attention_of_cell(small["knn"], 0).empty
    result = layout.result_folder(small["knn"])
    kind = np.array([int(name[-1]) for name in imputed.run_cells(small["knn"])["type"]])
    weights = np.full((360, 4), 0.1, dtype=np.float32)
    weights[np.arange(360), kind] = 0.7
    weights[0] = np.nan
    write_columns(result / "attention_d-tissue.zarr", weights, ("0", "1", "2", "3"))
    pd.DataFrame({"centroid": np.arange(240) % 4}).to_parquet(result / "attention_members.parquet")
    seen = imputed.attention(small["knn"])
    assert seen is not None
    assert seen["dominant"].tolist() == [-1, *kind[1:]]
    assert seen["top2_gap"].iloc[1] == pytest.approx(0.6)
    assert seen["entropy"].iloc[1] == pytest.approx(-0.7 * np.log(0.7) - 0.3 * np.log(0.1), abs=1e-5)
    assert imputed.attention_of_cell(small["knn"], 1).iloc[0]["centroid"] == kind[1]
    by = imputed.attention_by(small["knn"], kind.astype(str)).set_index(["group", "centroid"])
    assert by.loc[("2", 2), "weight"] == pytest.approx(0.7)
    assert by.loc[("2", 2), "shuffled"] == pytest.approx(0.1 + 0.6 * (kind == 2).mean(), abs=0.03)
    members = imputed.centroids(small["knn"])
    assert members is not None
    assert len(members) == 240


def test_export_and_what_an_imputation_refuses(small, tmp_path: Path) -> None:
    assert imputed.export_imputed(small["knn"], tmp_path / "out.h5ad").exists()
    assert api.export_run(small["knn"], tmp_path / "again.h5ad").exists()
    with pytest.raises(UserError, match="cannot be applied"):
        api.predict(small["knn"], "d-tissue")


def test_runs_know_split_track_and_genes(small, study) -> None:
    first = api.run(small["knn"])
    assert first.split == "genes"
    assert first.validation is None
    region = api.start_run(study.id, "knn", {}, track="unseen-region")
    asked = api.start_run(study.id, "knn", {}, genes=("M01", "M00"))
    assert len({first.id, region.id, asked.id}) == 3
    assert region.split == "blocks"
    assert asked.genes == ("M00", "M01")
    assert api.start_run(study.id, "knn", {}, genes=("M00", "M01")).id == asked.id
    assert {run.id for run in api.runs(study.id)} >= {first.id, region.id, asked.id}
    with pytest.raises(UserError, match="cannot answer"):
        api.start_run(study.id, "spage", {}, track="unseen-region")
    with pytest.raises(UserError, match="imputes no genes"):
        imputed.genes(api.start_run(study.id, "scxm", {"sigma_um": 10}).id)
    assert api.run_verdict(small["knn"]).state in ("waiting", "healthy")
