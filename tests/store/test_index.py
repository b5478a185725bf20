import pickle  # noqa: TID251  (to build the row that must not be unpickled)
import sqlite3
import stat
import threading
import time

import pytest

from backend.errors import NotFound, UserError
from backend.records import JobState, JobStatus, StudyRecord
from backend.store import index


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("RESITU_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def study(study_id="s-1", name="Lung"):
    return StudyRecord(id=study_id, name=name, tissue="d-1", reference="d-2")


def job(job_id, state=JobState.QUEUED):
    return JobStatus(id=job_id, kind="toy", params={}, state=state)


def test_record_comes_back_as_it_went_in():
    index.put(study())
    assert index.get(StudyRecord, "s-1").name == "Lung"
    assert [record.id for record in index.list_all(StudyRecord)] == ["s-1"]
    assert index.delete(StudyRecord, "s-1")
    assert index.find(StudyRecord, "s-1") is None
    with pytest.raises(NotFound):
        index.get(StudyRecord, "s-1")


def test_add_keeps_the_first():
    assert index.add(study(name="first"))
    assert not index.add(study(name="second"))
    assert index.get(StudyRecord, "s-1").name == "first"


def test_updates_from_many_threads_are_all_kept():
    index.put(job("toy-1"))

    def raise_step():
        for _ in range(20):
            index.update(JobStatus, "toy-1", lambda old: old.model_copy(update={"step": old.step + 1}))

    threads = [threading.Thread(target=raise_step) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert index.get(JobStatus, "toy-1").step == 100


def test_a_failing_transaction_leaves_nothing():
    def write_and_fail():
        with index.transaction():
            index.put(study())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    assert index.list_all(StudyRecord) == []


def test_each_home_has_its_own_index(tmp_path, monkeypatch):
    index.put(study())
    monkeypatch.setenv("RESITU_HOME", str(tmp_path / "other"))
    assert index.list_all(StudyRecord) == []


def test_folder_is_private(home):
    index.put(study())
    assert stat.S_IMODE((home / "index").stat().st_mode) == 0o700


def test_jobs_are_listed_by_state_and_cheaply():
    with index.transaction():
        for number in range(2000):
            index.put(job(f"toy-{number}", JobState.SUCCEEDED))
        index.put(job("toy-waiting"))
    start = time.perf_counter()
    for _ in range(10):
        waiting = index.list_jobs(JobState.QUEUED, JobState.RUNNING)
    assert [record.id for record in waiting] == ["toy-waiting"]
    assert (time.perf_counter() - start) / 10 < 0.01
    index.update(JobStatus, "toy-waiting", lambda old: old.model_copy(update={"state": JobState.RUNNING}))
    assert index.list_jobs(JobState.QUEUED) == []
    assert len(index.list_all(JobStatus)) == 2001


@pytest.mark.parametrize("tampered", [{"mode": 4}, {"raw": 0}, {"filename": "../../../etc/passwd", "mode": 3}])
def test_tampered_row_is_refused_and_nothing_is_unpickled(home, tmp_path, tampered):
    trace = tmp_path / "unpickled"
    bomb = f"cos\nmkdir\n(V{trace}\ntR.".encode()  # protocol 0: os.mkdir(trace)
    pickle.loads(bomb)  # noqa: S301
    trace.rmdir()  # the bomb is live
    index.put(study())
    with sqlite3.connect(home / "index" / "cache.db") as database:
        columns = {"value": bomb, **tampered}
        changes = ", ".join(f"{name} = ?" for name in columns)
        database.execute(f"UPDATE Cache SET {changes}", tuple(columns.values()))
    if tampered.get("raw") == 0:  # such a row has no text key: nobody can ask for it
        assert index.find(StudyRecord, "s-1") is None
        assert index.list_all(StudyRecord) == []
    else:
        with pytest.raises(index.RefusedRow):
            index.get(StudyRecord, "s-1")
        with pytest.raises(index.RefusedRow):
            index.list_all(StudyRecord)
    assert not trace.exists()


@pytest.mark.parametrize("value", [{"a": 1}, None, ("a",), 2**70, True])
def test_only_plain_values_are_stored(value):
    with index._rows() as rows:
        with pytest.raises(TypeError):
            rows.set("key", value)
        with pytest.raises(TypeError):
            rows.set(("key",), "value")


def test_a_folder_that_cannot_be_used_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RESITU_HOME", str(tmp_path / "file"))
    with pytest.raises(UserError, match="RESITU_HOME"):
        index.list_all(StudyRecord)


def test_a_damaged_index_is_told(home):
    (home / "index").mkdir(parents=True)
    (home / "index" / "cache.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(UserError, match="not a database"):
        index.list_all(StudyRecord)


def test_an_index_that_is_damaged_while_it_is_open_is_told(home):
    index.put(study())
    with sqlite3.connect(home / "index" / "cache.db") as database:
        database.execute("DROP TABLE Cache")
    for call in (
        lambda: index.put(study()),
        lambda: index.find(StudyRecord, "s-1"),
        lambda: index.list_all(StudyRecord),
        lambda: index.delete(StudyRecord, "s-1"),
        lambda: index.add(study()),
    ):
        with pytest.raises(UserError, match="cannot be used"):
            call()


def test_a_record_of_another_version_is_refused():
    with index._rows() as rows:
        rows.set("study/s-1", '{"id": "s-1", "colour": "red"}', tag="study")
    with pytest.raises(index.RefusedRow, match="this version"):
        index.get(StudyRecord, "s-1")
