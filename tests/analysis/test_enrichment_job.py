from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from backend.analysis import enrichment_job, niche_job
from backend.errors import UserError
from backend.records import DatasetRecord
from backend.store import index, layout
from tests.analysis.conftest import GENES, Finished, remember
from tests.evaluation.small_study import SmallJob

NICHE: dict[str, Any] = {
    "run": "tiny-run", "dataset": "d-validation", "types": "column", "type": "T cell", "gene": "GENE00",
    "threshold": None,
}  # fmt: skip


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    path = tmp_path / "mine.gmt"
    lines = {"low": GENES[:8], "high": GENES[5:13], "last": GENES[20:], "small": GENES[:2]}
    path.write_text("\n\n".join("\t".join([name, "", *genes]) for name, genes in lines.items()))
    return path


@pytest.fixture
def enrich_job(finished: Finished) -> SmallJob:
    return SmallJob(finished.home / "jobs" / "enrich-1")


def ask(sets: Path, kind: str, source: str) -> dict[str, Any]:
    return {"source": source, "kind": kind, "gene_sets": str(sets), "min_size": 5}


def test_a_niches_statistics_are_ranked_by_z(small_job: SmallJob, enrich_job: SmallJob, sets: Path) -> None:
    niche_job.find(NICHE, small_job)
    remember("niche-1", "niche", NICHE)
    facts = enrichment_job.enrich(ask(sets, "de", "niche-1"), enrich_job)
    table = pd.read_parquet(enrich_job.result / "table.parquet")
    curves = pd.read_parquet(enrich_job.result / "curves.parquet")
    assert set(table["set"]) == {"low", "high", "last"}
    assert facts["too_small"] == 1
    assert "3 empty lines skipped" in facts["warnings"][0]
    assert curves["gene"].iloc[0] == "GENE05"
    assert "Wilcoxon" in facts["ranked_by"]


def test_scores_are_the_methods_own_without_self_loop_and_say_what_they_mean(
    enrich_job: SmallJob, finished: Finished, sets: Path
) -> None:
    facts = enrichment_job.enrich(ask(sets, "scores", finished.run), enrich_job)
    curves = pd.read_parquet(enrich_job.result / "curves.parquet")
    scores = pd.read_parquet(layout.result_folder(finished.run) / "scores.parquet")
    assert curves["metric"].max() == pytest.approx(scores[scores["method"] == "tiny"].head(30)["pcc"].max())
    assert "not what is up" in facts["ranked_by"]
    assert any("spread of the context" in warning for warning in facts["warnings"])
    table = pd.read_parquet(enrich_job.result / "table.parquet")
    assert table[[f"{name}_adjusted" for name in enrichment_job.ADJUSTED]].notna().all(axis=None)


def test_a_set_of_variable_genes_rises_for_that_alone_and_falls_without_the_trend(
    enrich_job: SmallJob, finished: Finished, tmp_path: Path
) -> None:
    """The made-up scores follow the spread of the context, with noise; a few genes are better than that."""
    path = layout.result_folder(finished.run) / "scores.parquet"
    scores = pd.read_parquet(path)
    noise = np.random.default_rng(3).normal(0, 0.01, len(scores))
    scores["pcc"] = 0.3 * scores["context_sd"].rank(pct=True) + noise
    better = list(scores.sort_values("context_sd")["gene"].unique()[8:14])  # of middling spread
    scores.loc[scores["gene"].isin(better), "pcc"] += 0.1
    scores.to_parquet(path)
    variable = list(scores.sort_values("context_sd", ascending=False)["gene"].unique()[:6])
    sets = tmp_path / "two.gmt"
    sets.write_text("\t".join(["variable", "", *variable]) + "\n" + "\t".join(["better", "", *better]) + "\n")
    facts = enrichment_job.enrich(ask(sets, "scores", finished.run), enrich_job)
    table = pd.read_parquet(enrich_job.result / "table.parquet").set_index("set")
    assert facts["explained"] > 0.7
    assert table["nes"].idxmax() == "variable"
    assert table.loc["variable", "p"] < 0.05
    assert table.loc["variable", "p_adjusted"] > 0.05
    assert table["nes_adjusted"].idxmax() == "better"
    assert table.loc["better", "p_adjusted"] < 0.05
    curves = pd.read_parquet(enrich_job.result / "curves_adjusted.parquet")
    assert set(curves["gene"].head(6)) == set(better)


def test_scores_that_nothing_explains_stay_as_they_are() -> None:
    flat = pd.DataFrame({"pcc": [0.1, 0.5, 0.3, 0.2], "context_sd": 0.2, "detection": 0.1})
    left, explained = enrichment_job.without_trend(flat)
    assert list(left) == pytest.approx(list(flat["pcc"] - flat["pcc"].mean()))
    assert explained == pytest.approx(0.0)


def test_mouse_genes_meet_human_sets_through_orthologues(
    finished: Finished, enrich_job: SmallJob, tmp_path: Path
) -> None:
    genes = ["Cd3e", "Cd8a", "Ms4a1", "Cd79a", "Epcam", "Pecam1", "Col1a1", "Acta2", "Ptprc", "Gzmb"]
    genes += ["Trp53", "H2-D1", "Cd68", "Cd14", "Itgax", "Nkg7", "Foxp3", "Il2ra", "Mki67", "Top2a"]
    var = pd.DataFrame({"symbol": genes}, index=pd.Index(genes, name="gene"))
    var.to_parquet(layout.dataset_folder("d-tissue") / "var.parquet")
    index.update(DatasetRecord, "d-tissue", lambda record: record.model_copy(update={"species": "mouse"}))
    path = layout.result_folder(finished.run) / "scores.parquet"
    pd.read_parquet(path).head(20).assign(gene=genes).to_parquet(path)
    human = tmp_path / "human.gmt"
    human.write_text("T\t\tCD3E\tCD8A\tPTPRC\tFOXP3\tTP53\tNKG7\nB\t\tMS4A1\tCD79A\tPTPRC\tCD14\tCD68\n")
    facts = enrichment_job.enrich(ask(human, "scores", finished.run), enrich_job)
    table = pd.read_parquet(enrich_job.result / "table.parquet").set_index("set")
    assert "orthologues" in facts["names"]
    assert table.loc["T", "size"] == 6  # Trp53 is TP53: no change of case would have found it


def test_sets_of_other_genes_are_refused(finished: Finished, enrich_job: SmallJob, tmp_path: Path) -> None:
    other = tmp_path / "other.gmt"
    other.write_text("A\t\tAT1G01010\tAT1G01020\n")
    with pytest.raises(UserError, match="None of the ranked genes") as refused:
        enrichment_job.enrich(ask(other, "scores", finished.run), enrich_job)
    assert refused.value.why.startswith("Genes here: GENE00")
    assert "AT1G01010" in refused.value.why
