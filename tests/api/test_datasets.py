from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from backend import api
from backend.errors import DataError, InUse, NotFound, UserError
from backend.records import JobState, JobStatus
from backend.store import index, layout


def test_the_same_file_is_the_same_job_and_a_changed_one_is_not(tmp_path: Path) -> None:
    file = tmp_path / "a.h5ad"
    file.write_bytes(b"one")
    first = api.add_dataset([file], "tissue", trusted=True)
    assert first.state is JobState.QUEUED
    assert first.params["name"] == "a"
    assert api.add_dataset([file], "tissue", trusted=True).id == first.id
    assert api.add_dataset([file], "reference", trusted=True).id != first.id
    file.write_bytes(b"another")
    assert api.add_dataset([file], "tissue", trusted=True).id != first.id


def test_a_data_set_that_was_deleted_or_put_away_can_be_added_again(tmp_path: Path, dataset) -> None:
    file = tmp_path / "a.h5ad"
    file.write_bytes(b"one")
    job, record = api.add_dataset([file], "tissue", trusted=True), dataset("tissue", ("A",))
    layout.result_folder(job.id).mkdir(parents=True)
    done = job.model_copy(update={"state": JobState.SUCCEEDED, "result": {"dataset": record.id}})
    index.put(done)
    assert api.add_dataset([file], "tissue", trusted=True) == done
    api.archive_dataset(record.id)
    api.add_dataset([file], "tissue", trusted=True)
    assert not api.dataset(record.id).archived
    api.delete_dataset(record.id)
    assert api.add_dataset([file], "tissue", trusted=True).state is JobState.QUEUED


@pytest.mark.parametrize("count", [0, 3])
def test_one_or_two_files(tmp_path: Path, count: int) -> None:
    file = tmp_path / "a.h5ad"
    file.touch()
    with pytest.raises(UserError, match="one file"):
        api.add_dataset([file] * count, "tissue", trusted=True)


def test_a_page_cannot_have_a_foreign_file_read(tmp_path: Path) -> None:
    file = tmp_path / "a.h5ad"
    file.touch()
    for call in (api.add_dataset, api.inspect):
        with pytest.raises(DataError, match="may not be read"):
            call([file], "tissue")
    assert api.jobs() == []


def test_rename_archive_and_list(tissue) -> None:
    assert api.rename_dataset(tissue.id, " Lung ").name == "Lung"
    assert api.find_dataset("Lung").id == tissue.id
    api.archive_dataset(tissue.id)
    assert api.datasets() == []
    assert [record.id for record in api.datasets(archived=True)] == [tissue.id]
    assert not api.archive_dataset(tissue.id, archived=False).archived
    with pytest.raises(UserError):
        api.rename_dataset(tissue.id, "two\nlines")


def test_delete_takes_the_folder_too(tissue) -> None:
    api.delete_dataset(tissue.id)
    assert not layout.dataset_folder(tissue.id).exists()
    assert os.listdir(layout.dataset_folder(tissue.id).parent) == []
    with pytest.raises(NotFound):
        api.dataset(tissue.id)


def test_delete_is_refused_while_a_study_needs_it(tissue, reference) -> None:
    study = api.create_study("mine", tissue.id, reference.id)
    api.archive_study(study.id)
    with pytest.raises(InUse, match="belongs to mine"):
        api.delete_dataset(tissue.id)
    api.delete_study(study.id)
    api.delete_dataset(tissue.id)


def test_delete_is_refused_while_a_job_works_on_it(tissue) -> None:
    index.put(JobStatus(id="annotate-1", kind="annotate", params={"dataset": tissue.id}))
    with pytest.raises(InUse, match="annotate-1"):
        api.delete_dataset(tissue.id)
    assert api.dataset(tissue.id) == tissue


@pytest.mark.parametrize("bad", ["../../etc", "d-nothing", "", "x" * 500, "d/../d"])
def test_ids_from_a_url_open_nothing(bad: str) -> None:
    for call in (api.dataset, api.dataset_obs, api.dataset_genes, api.delete_dataset, api.study, api.job, api.run):
        with pytest.raises(NotFound):
            call(bad)


def test_server_files_are_data_in_the_allowed_folders(home: Path) -> None:
    inbox = home / "inbox"
    assert api.server_files() == []
    (inbox / "deep").mkdir(parents=True)
    for name in ("deep/a.h5ad", "b.csv.gz", "notes.txt", ".hidden.h5ad"):
        (inbox / name).touch()
    assert api.server_files() == [inbox / "b.csv.gz", inbox / "deep" / "a.h5ad"]


@pytest.mark.parametrize("name", ["../../x.h5ad", "C:\\data\\x.h5ad", "a\x00b.h5ad", ".x.h5ad", "ü" * 300, ""])
def test_an_upload_stays_under_the_data_root(home: Path, name: str) -> None:
    path = api.save_upload(name, io.BytesIO(b"content"))
    assert path.read_bytes() == b"content"
    assert path.parent.parent == home / "uploads"
    assert not path.name.startswith(".")


def test_an_upload_above_the_limit_leaves_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESITU_MAX_UPLOAD_MB", "1")
    with pytest.raises(DataError, match="too large"):
        api.save_upload("a.h5ad", io.BytesIO(bytes(1_000_001)))
    assert os.listdir(home / "uploads") == []
