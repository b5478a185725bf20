from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from backend import api
from backend.errors import DataError, NotFound, UserError
from backend.records import JobState, JobStatus
from backend.store import index, layout
from backend.store.arrays import write_columns
from tests.api.conftest import N_CELLS


@pytest.fixture
def study(tissue, reference):
    return api.create_study("s", tissue.id, reference.id)


def test_the_same_work_is_the_same_run(study) -> None:
    first = api.start_run(study.id, "scxm", {"epochs": 3})
    again = api.start_run(study.id, "scxm", {"epochs": 3})
    assert first == again
    assert first.id.startswith("scxm-")
    assert api.job(first.id).state is JobState.QUEUED
    assert len(api.jobs()) == 1
    assert first.config["batch_size"] == 64  # defaults are part of the record and of the key
    assert api.start_run(study.id, "scxm", {"epochs": 3, "batch_size": 64}).id == first.id


def test_names_do_not_change_a_run_but_settings_seed_and_validation_do(study, dataset, tissue, reference) -> None:
    first = api.start_run(study.id, "scxm", {"epochs": 3})
    api.rename_dataset(tissue.id, "another name")
    api.rename_study(study.id, "another")
    twin = api.create_study("twin", tissue.id, reference.id)
    scored = api.create_study("scored", tissue.id, reference.id, dataset("validation", PANEL_AND_MORE).id)
    assert api.start_run(twin.id, "scxm", {"epochs": 3}).id == first.id
    others = {
        api.start_run(study.id, "scxm", {"epochs": 4}).id,
        api.start_run(study.id, "scxm", {"epochs": 3}, seed=1).id,
        api.start_run(scored.id, "scxm", {"epochs": 3}).id,
    }
    assert len(others | {first.id}) == 4
    assert {run.id for run in api.runs(twin.id)} == {run.id for run in api.runs(study.id)}
    assert [run.split for run in api.runs(scored.id)] == ["validation"]
    assert len(api.runs()) == 4


PANEL_AND_MORE = ("ACTA2", "CD3E", "CXCR4", "EPCAM", "KRT8", "GAPDH")


def test_bad_settings_are_all_named_and_nothing_is_queued(study) -> None:
    with pytest.raises(UserError, match=r"2 settings.*epoch.*batch_size"):
        api.start_run(study.id, "scxm", {"epoch": 3, "batch_size": 0})
    with pytest.raises(NotFound, match="no method"):
        api.start_run(study.id, "magic", {})
    with pytest.raises(UserError, match="seed"):
        api.start_run(study.id, "scxm", {}, seed=-1)
    assert api.jobs() == api.runs() == []


def test_what_cannot_work_is_refused_before_it_is_queued(study) -> None:
    with pytest.raises(UserError, match="two halves"):
        api.start_run(study.id, "scxm", {"sigma_um": 900})
    assert api.jobs() == api.runs() == []


def test_presets_by_name() -> None:
    assert api.preset("scxm", "Quick look")["epochs"] < api.cards()["scxm"].config().epochs
    with pytest.raises(NotFound, match="'Standard'"):
        api.preset("scxm", "Slow")


def test_preflight_says_what_will_be_answered(study) -> None:
    seen = api.preflight(study.id, "scxm", {"epochs": 3})
    assert seen.shared_genes == 5
    assert seen.answers
    assert seen.minutes > 0


def test_results_of_an_unfinished_run_are_one_clear_error(study, tissue) -> None:
    run = api.start_run(study.id, "scxm", {"epochs": 3})
    assert not api.has_result(run.id)
    for call in (api.scores, api.summary, api.context_genes, api.attention):
        with pytest.raises(UserError, match=r"has no result yet.*queued"):
            call(run.id)
    with pytest.raises(UserError, match="has no result yet"):
        api.predict(run.id, tissue.id)
    with pytest.raises(UserError, match="has no result yet"):
        api.start_niche(run.id, tissue.id, "T cell", "CD3E", None)


def test_verdict_follows_the_last_report(study) -> None:
    run = api.start_run(study.id, "scxm", {"epochs": 3})
    assert api.run_verdict(run.id).state == "waiting"
    lines = [
        {},
        {"pretraining": 2.0},
        {"decoder": 0.4},
        {"critic": 0.1, "consistency": 0.3, "spread": 0.9, "follow": 0.5},
        {"critic": 0.1, "consistency": 0.3, "spread": 0.9, "follow": 0.01},
        {"critic": 0.1, "consistency": 0.3, "spread": 0.9, "follow": 0.4},
        {},  # the next fit begins
        {"pretraining": 2.0},
        {"critic": None, "consistency": 0.3, "spread": None, "follow": 0.1},
    ]
    path = layout.job_folder(run.id) / "metrics.jsonl"
    path.parent.mkdir(parents=True)
    states = []
    for step, line in enumerate(lines):
        row = {"time": "2026-01-01", "attempt": 1, "fit": "final", "step": step + 1, "steps": 3, **line}
        with path.open("a") as file:
            file.write(json.dumps(row) + "\n")
        states.append(api.run_verdict(run.id).state)
        if states[-1] == "watch":
            words = {reading.name: reading.value for reading in api.run_verdict(run.id).readings}
            assert words["Follows its cell"] == "1% of real"
    assert states == [*["waiting"] * 3, "healthy", "watch", *["healthy"] * 3, "stop"]


def test_where_losses_do_not_tell_the_verdict_says_what_will(study) -> None:
    run = api.start_run(study.id, "environs", {"networks": 1})
    assert api.run_verdict(run.id).state == "waiting"
    path = layout.job_folder(run.id) / "metrics.jsonl"
    path.parent.mkdir(parents=True)
    row = {"time": "2026-01-01", "attempt": 1, "fit": "final", "step": 1, "steps": 3, "strip_score": 0.2}
    path.write_text(json.dumps(row) + "\n")
    found = api.run_verdict(run.id)
    assert (found.state, found.readings) == ("healthy", ())
    assert "cells that it does not learn from" in found.text


def test_a_cancelled_run_can_be_started_again(study) -> None:
    run = api.start_run(study.id, "scxm", {"epochs": 3})
    assert api.cancel_job(run.id).state is JobState.CANCELLED
    assert api.resume_run(run.id).state is JobState.QUEUED
    api.stop_run(run.id)
    assert api.start_run(study.id, "scxm", {"epochs": 3}).id == run.id
    assert api.job(run.id).state is JobState.QUEUED


def test_no_workers_is_said_not_raised() -> None:
    assert not api.workers().alive


def test_a_deleted_demo_is_made_anew(dataset) -> None:
    first = api.make_demo()
    made = {role: dataset(role, PANEL_AND_MORE).id for role in ("tissue", "reference", "validation")}
    study = api.create_study("demo", **made)
    layout.result_folder(first.id).mkdir(parents=True)
    index.put(first.model_copy(update={"state": JobState.SUCCEEDED, "result": {"study": study.id, **made}}))
    assert api.make_demo().state is JobState.SUCCEEDED
    api.delete_study(study.id)
    assert api.make_demo().state is JobState.QUEUED


def test_find_gene(study, dataset) -> None:
    def look(text: str) -> api.GeneHit:
        return api.find_gene(study.id, None, text)

    assert look("cd3e ") == api.GeneHit("on your panel", "CD3E")
    assert look("myc") == api.GeneHit("in the reference", "MYC")
    near = look("EPCAN")
    assert near.status == "unknown"
    assert near.suggestions[0] == "EPCAM"
    assert look("zzzzzz") == api.GeneHit("unknown", None)
    assert look("") == api.GeneHit("unknown", None)


def test_a_gene_of_the_panel_that_no_cell_shows_is_not_imputed(tissue, reference) -> None:
    study = api.create_study("s", tissue.id, reference.id)
    assert api.find_gene(study.id, None, "unseen1") == api.GeneHit("seen in no cell", "UNSEEN1")


def test_find_gene_knows_aliases(dataset, tissue) -> None:
    reference = dataset("reference", ("ACTA2", "CD3E", "CXCR4", "EPCAM", "KRT8", "GAPDH"))
    path = layout.dataset_folder(reference.id) / "var.parquet"
    table = pd.read_parquet(path)
    table["ensembl"] = [None, "ENSG00000198851", None, None, None, "ENSG00000111640"]
    table.to_parquet(path)
    study = api.create_study("s", tissue.id, reference.id)
    assert api.find_gene(study.id, None, "ensg00000111640") == api.GeneHit("in the reference", "GAPDH")
    assert api.find_gene(study.id, None, "ENSG00000198851") == api.GeneHit("on your panel", "CD3E")


def test_a_job_of_another_kind_is_no_niche(study) -> None:
    index.put(JobStatus(id="add-1", kind="add", params={}))
    with pytest.raises(NotFound, match="no niche job"):
        api.niche("add-1")
    with pytest.raises(NotFound, match="no enrich job"):
        api.enrichment("add-1")


def write_result(run_id: str, reference: str, tissue: str) -> None:
    """What a run of scxm leaves, as small as it may be."""
    folder = layout.result_folder(run_id)
    folder.mkdir(parents=True)
    layout.write_json(folder / "manifest.json", {})
    values = np.linspace(0, 1, 2 * N_CELLS, dtype=np.float32).reshape(N_CELLS, 2)
    for name in (f"context_{reference}", f"held_out_{tissue}", f"truth_{tissue}"):
        write_columns(folder / f"{name}.zarr", values if name[0] == "c" else values / 2, ("CD3E", "KRT8"))


def test_contexts_come_from_where_they_were_predicted(study, tissue, reference, dataset) -> None:
    run = api.start_run(study.id, "scxm", {"epochs": 3})
    write_result(run.id, reference.id, tissue.id)
    assert api.context_genes(run.id) == ("CD3E", "KRT8")
    assert api.predicted_context(run.id, reference.id, "KRT8")[-1] == 1
    assert api.predicted_context(run.id, tissue.id, "KRT8")[-1] == 0.5
    assert api.measured_context(run.id, reference.id, "KRT8") is None
    truth = api.measured_context(run.id, tissue.id, "KRT8")
    assert truth is not None
    assert truth[-1] == 0.5
    with pytest.raises(NotFound, match="was not predicted"):
        api.predicted_context(run.id, reference.id, "MYC")
    other = dataset("tissue", PANEL_AND_MORE)
    with pytest.raises(NotFound, match="Apply it"):
        api.predicted_context(run.id, other.id, "KRT8")
    job = api.predict(run.id, other.id)
    write_columns(
        layout.result_folder(job.id) / f"context_{other.id}.zarr", np.ones((3, 1), dtype=np.float32), ("KRT8",)
    )
    assert list(api.predicted_context(run.id, other.id, "KRT8")) == [1, 1, 1]
    assert api.find_gene(study.id, run.id, "cxcr4") == api.GeneHit("on your panel", "CXCR4")


def test_niches_ask_for_what_is_there(study, tissue, reference) -> None:
    run = api.start_run(study.id, "scxm", {"epochs": 3})
    write_result(run.id, reference.id, tissue.id)
    for type_, gene, threshold, said in (
        ("T cell", "MYC", None, "was not predicted"),
        ("B cell", "CD3E", None, "no cells of type 'B cell'.*T cell, tumour"),
        ("T cell", "CD3E", 1.5, "between 0 and 1"),
    ):
        with pytest.raises(UserError, match=said):
            api.start_niche(run.id, reference.id, type_, gene, threshold)
    job = api.start_niche(run.id, reference.id, "T cell", "CD3E", 0.5)
    assert job.params["types"] == "column"
    with pytest.raises(UserError, match="has no result yet"):
        api.niche(job.id)
    with pytest.raises(UserError, match="has no result yet"):
        api.start_enrichment(job.id, "de", "GO Biological Process 2023")


def test_enrichment_reads_only_gene_sets_it_may(study, tissue, reference, tmp_path) -> None:
    run = api.start_run(study.id, "scxm", {"epochs": 3})
    write_result(run.id, reference.id, tissue.id)
    library = api.gene_set_libraries()[0]
    assert api.start_enrichment(run.id, "scores", library).params["gene_sets"] == library
    sets = tmp_path / "mine.gmt"
    sets.write_text("A\t\tCD3E\n")
    with pytest.raises(DataError, match="may not be read"):
        api.start_enrichment(run.id, "scores", str(sets))
    first = api.start_enrichment(run.id, "scores", str(sets), trusted=True)
    sets.write_text("A\t\tCD3E\tKRT8\n")
    assert api.start_enrichment(run.id, "scores", str(sets), trusted=True).id != first.id
    with pytest.raises(DataError, match="is no file"):
        api.start_enrichment(run.id, "scores", str(tmp_path), trusted=True)
    with pytest.raises(UserError, match="at least 2"):
        api.start_enrichment(run.id, "scores", library, min_size=1)
