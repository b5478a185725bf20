from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from backend import api
from backend.errors import DataError, GeneMismatch, NotFound, UserError
from backend.records import JobState
from backend.store import index, layout
from tests.api.conftest import PANEL


def test_a_study_of_data_that_names_types(tissue, reference) -> None:
    study = api.create_study(" Lung ", tissue.id, reference.id)
    assert study.name == "Lung"
    assert study.types == {tissue.id: "column", reference.id: "column"}
    assert api.jobs() == []
    found = api.cell_types(study.id, tissue.id)
    assert list(found.table.columns) == ["cell", "type", "probability"]
    assert list(found.table["type"][:2]) == ["T cell", "tumour"]
    assert "'cell_type'" in found.source
    assert api.find_study("Lung") == api.find_study(study.id) == study


def test_missing_types_are_transferred_where_the_reference_names_some(dataset, reference) -> None:
    bare = dataset("tissue", PANEL, has_types=False)
    study = api.create_study("s", bare.id, reference.id)
    job = api.job(study.types[bare.id])
    assert job.params == {"dataset": bare.id, "how": "transfer", "reference": reference.id, "version": 2}
    waiting = api.cell_types(study.id, bare.id)
    assert waiting.job_id == job.id
    assert "being worked out" in waiting.source
    assert waiting.table.empty


def test_without_types_anywhere_both_are_clustered(dataset) -> None:
    tissue, reference = (dataset(role, PANEL, has_types=False) for role in ("tissue", "reference"))
    study = api.create_study("s", tissue.id, reference.id)
    assert {api.job(job).params["how"] for job in study.types.values()} == {"leiden"}
    with pytest.raises(UserError, match="cannot be transferred"):
        api.annotate(study.id, tissue.id, "transfer")


def test_types_that_were_worked_out_are_read_and_named(dataset, reference) -> None:
    bare = dataset("tissue", PANEL, has_types=False)
    study = api.create_study("s", bare.id, reference.id)
    job = api.job(study.types[bare.id])
    folder = layout.result_folder(job.id)
    folder.mkdir(parents=True)
    pd.DataFrame({"cell": ["c0"], "type": ["T cell"], "probability": [0.9]}).to_parquet(folder / "types.parquet")
    source = f"Transferred from {reference.name}: predictions."
    index.put(job.model_copy(update={"state": JobState.SUCCEEDED, "result": {"source": source}}))
    found = api.cell_types(study.id, bare.id)
    assert found.job_id is None
    assert found.source == source
    assert list(found.table["type"]) == ["T cell"]
    clusters = api.annotate(study.id, bare.id, "leiden")
    assert clusters.id != job.id
    assert list(api.cell_types(study.id, bare.id).table["type"]) == ["T cell"], "used once it is done, not before"


def test_no_shared_gene_is_refused_with_names_from_both_sides(dataset, tissue) -> None:
    foreign = dataset("reference", ("ENSG00000000003", "ENSG00000000005"), gene_ids="ensembl")
    with pytest.raises(GeneMismatch, match=r"ACTA2.*ENSG00000000003.*Ensembl"):
        api.create_study("s", tissue.id, foreign.id)
    assert api.studies() == []


def test_species_meet_through_orthologues(dataset, reference) -> None:
    mouse = dataset("tissue", ("Acta2", "Cd3e", "Cxcr4", "Epcam", "Krt8"), species="mouse")
    assert api.create_study("s", mouse.id, reference.id).tissue == mouse.id
    other = dataset("tissue", ("Gm9999", "Rik1"), species="mouse")
    with pytest.raises(GeneMismatch, match=r"mouse.*human"):
        api.create_study("t", other.id, reference.id)


def test_roles_must_fit(dataset, tissue, reference) -> None:
    with pytest.raises(UserError, match="cannot be the reference"):
        api.create_study("s", tissue.id, tissue.id)
    with pytest.raises(UserError, match="cannot be the tissue"):
        api.create_study("s", reference.id, reference.id)
    with pytest.raises(UserError, match="tissue itself"):
        api.create_study("s", tissue.id, reference.id, tissue.id)
    with pytest.raises(NotFound):
        api.create_study("s", tissue.id, "d-nothing")


def test_names_are_unique_archived_ones_too(tissue, reference) -> None:
    first = api.create_study("s", tissue.id, reference.id)
    api.archive_study(first.id)
    assert api.studies() == []
    with pytest.raises(UserError, match="taken"):
        api.create_study("s", tissue.id, reference.id)
    assert api.rename_study(first.id, "s").name == "s"
    assert api.rename_study(first.id, "t").name == "t"
    api.delete_study(first.id)
    with pytest.raises(NotFound):
        api.study(first.id)


def test_types_of_a_stranger_are_refused(dataset, tissue, reference) -> None:
    study, stranger = api.create_study("s", tissue.id, reference.id), dataset("tissue", ("X",))
    with pytest.raises(NotFound):
        api.cell_types(study.id, stranger.id)
    with pytest.raises(NotFound):
        api.annotate(study.id, stranger.id, "leiden")


def test_a_part_that_is_deleted_meanwhile_makes_no_study(tissue, reference, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at the genes and the last write."""
    monkeypatch.setattr("backend.api._studies.plan_genes", lambda *_: api.delete_dataset(tissue.id))
    with pytest.raises(NotFound):
        api.create_study("s", tissue.id, reference.id)
    assert api.studies() == []


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Mouse names that no table knows."""
    table = tmp_path / "pairs.csv"
    table.write_text("human,mouse\n" + "".join(f"{gene},M{gene.lower()}\n" for gene in PANEL))
    return table


def test_a_table_of_orthologues_of_ones_own(dataset, reference, pairs: Path) -> None:
    genes = tuple(f"M{gene.lower()}" for gene in PANEL)
    mouse = dataset("tissue", genes, species="mouse", has_types=False)
    with pytest.raises(GeneMismatch):
        api.create_study("s", mouse.id, reference.id)
    with pytest.raises(DataError, match="may not be read"):
        api.create_study("s", mouse.id, reference.id, orthologues=pairs)
    study = api.create_study("s", mouse.id, reference.id, orthologues=pairs, trusted=True)
    pairs.unlink()
    assert api.job(study.types[mouse.id]).params["orthologues"] == study.orthologues
    assert api.preflight(study.id, "scxm", {"sigma_um": 30}).shared_genes == len(PANEL)
    run = api.start_run(study.id, "scxm", {"sigma_um": 30})
    assert run.orthologues == study.orthologues
    assert api.runs(study.id) == [run]
    hit = api.find_gene(study.id, None, PANEL[0])
    assert (hit.status, hit.name) == ("on your panel", genes[0])


def test_another_table_is_another_run(dataset, reference, pairs: Path) -> None:
    mouse = dataset("tissue", tuple(f"M{gene.lower()}" for gene in PANEL), species="mouse")
    first = api.create_study("first", mouse.id, reference.id, orthologues=pairs, trusted=True)
    pairs.write_text(pairs.read_text() + "OTHER,Mother\n")
    second = api.create_study("second", mouse.id, reference.id, orthologues=pairs, trusted=True)
    assert len({api.start_run(study.id, "scxm", {"sigma_um": 30}).id for study in (first, second)}) == 2


def test_one_species_needs_no_table(tissue, reference, pairs: Path) -> None:
    with pytest.raises(UserError, match="no use"):
        api.create_study("s", tissue.id, reference.id, orthologues=pairs, trusted=True)
    assert api.studies() == []
