"""Exit codes and the shape of what is printed. Nothing here is computed."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from backend.cli import main
from backend.cli.answer import Answer, as_facts, as_findings, as_table, print_answer
from backend.cli.waiting import finish
from backend.errors import GeneMismatch, UserError
from backend.records import Answers, Finding, JobState, JobStatus
from backend.store import index
from tests.architecture.source import PROJECT


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    """Exit code, and the one JSON value on standard output."""
    code = main([*arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("noun", ["datasets", "studies", "runs"])
def test_lists_are_arrays(capsys, noun: str) -> None:
    assert call(capsys, noun, "list") == (0, [])
    assert main([noun, "list"]) == 0
    assert "yet" in capsys.readouterr().out


def test_the_switch_may_stand_anywhere(capsys) -> None:
    for line in (["--json", "runs", "list"], ["runs", "--json", "list"], ["runs", "list", "--json"]):
        assert main(line) == 0
        assert json.loads(capsys.readouterr().out) == []


@pytest.mark.parametrize(
    "line",
    [
        ("datasets", "show", "nothing"),
        ("datasets", "delete", "../../etc"),
        ("datasets", "add", "no-such.h5ad", "--role", "tissue"),
        ("datasets", "check", "no-such.h5ad"),
        ("studies", "show", "nothing"),
        ("studies", "create", "--name", "s", "--tissue", "a", "--reference", "b"),
        ("runs", "show", "scxm-0"),
        ("runs", "cancel", "scxm-0"),
        ("runs", "resume", "scxm-0"),
        ("runs", "start", "--study", "nothing", "--method", "scxm"),
        ("predict", "scxm-0", "--dataset", "a"),
        ("export", "scxm-0", "out.h5ad"),
        ("niches", "scxm-0", "--dataset", "a", "--type", "B", "--gene", "X"),
        ("enrich", "scxm-0", "--sets", "a.gmt"),
    ],
)
def test_what_the_user_can_mend_exits_with_one(capsys, line: tuple[str, ...]) -> None:
    code, value = call(capsys, *line)
    assert code == 1
    assert list(value) == ["error"]
    assert value["error"]["what"]
    assert main(list(line)) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(value["error"]["what"])
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "line",
    [
        ("datasets", "add"),
        ("datasets", "add", "a.h5ad", "--role", "picture"),
        ("datasets", "add", "a.h5ad", "--role", "tissue", "--keep", "Valid"),
        ("datasets", "add", "a.h5ad", "--role", "tissue", "--um-per-px", "-1"),
        ("datasets", "add", "a.h5ad", "--role", "tissue", "--um-per-px", "inf"),
        ("datasets", "add", "a.h5ad", "--role", "tissue", "--unit", "mm", "--um-per-px", "0.1"),
        ("runs", "start"),
        ("runs", "start", "--study", "s", "--set", "epochs"),
        ("runs", "start", "--study", "s", "--seed", "-1"),
        ("no-such-command",),
        ("datasets", "list", "--no-such-flag"),
    ],
)
def test_wrong_usage_exits_with_two(capsys, line: tuple[str, ...]) -> None:
    code, value = call(capsys, *line)
    assert code == 2
    assert value["error"]["kind"] == "Usage"
    assert main(list(line)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err


def test_a_defect_is_one_message_and_a_log(capsys, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: Any) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr("backend.api.datasets", broken)
    code, value = call(capsys, "datasets", "list")
    assert code == 1
    assert value["error"]["kind"] == "Defect"
    assert "ZeroDivisionError: a defect" in (home / "defects.log").read_text()


def test_as_a_program(home: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "backend", *arguments]
        return subprocess.run(line, cwd=PROJECT, capture_output=True, text=True, timeout=60)

    done = run("datasets", "list", "--json")
    assert (done.returncode, json.loads(done.stdout), done.stderr) == (0, [], "")
    assert run("datasets", "show", "nothing").returncode == 1
    assert run("datasets", "sow").returncode == 2
    assert run("--help").returncode == 0


def test_help_is_one_json_value_too(capsys) -> None:
    code, value = call(capsys, "datasets", "--help")
    assert code == 0
    assert "check" in value["help"]
    code, value = call(capsys, "datasets")
    assert code == 2
    assert value["error"] == {
        "kind": "Usage",
        "what": "A command is missing.",
        "why": "",
        "mend": "Add --help to see what python -m backend datasets takes.",
    }


def test_every_flag_that_a_finding_names_is_one_of_add_and_check(capsys) -> None:
    for command in ("add", "check"):
        _, value = call(capsys, "datasets", command, "--help")
        for field in Answers.model_fields:
            assert f"--{field.replace('_', '-')} " in value["help"]


def test_a_setting_that_is_no_number_is_told(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESITU_MAX_UPLOAD_MB", "much")
    code, value = call(capsys, "demo")
    assert code == 1
    assert value["error"]["what"] == "RESITU_MAX_UPLOAD_MB is 'much'."


def test_a_defect_is_told_where_no_log_can_be_written(capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: Any) -> None:
        raise ZeroDivisionError("a defect")

    (tmp_path / "file").touch()
    monkeypatch.setenv("RESITU_HOME", str(tmp_path / "file" / "home"))
    monkeypatch.setattr("backend.api.datasets", broken)
    code, value = call(capsys, "datasets", "list")
    assert (code, value["error"]["kind"]) == (1, "Defect")
    assert "ZeroDivisionError" in value["error"]["mend"]


def test_a_file_whose_name_is_no_text_is_refused(capsys, tmp_path: Path) -> None:
    file = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.h5ad")
    Path(file).touch()
    code, value = call(capsys, "datasets", "add", file, "--role", "tissue")
    assert (code, value["error"]["kind"]) == (1, "DataError")
    assert value["error"]["mend"] == "Rename the file or folder."


def test_output_fits_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal without the letter µ gets another; a reader that has left, as `head` does, is no failure."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    assert print_answer(Answer({"unit": "µm"}, "10 µm"), as_json=False) == 0
    assert print_answer(Answer({"unit": "µm"}, "10 µm"), as_json=True) == 0
    said = stream.buffer.getvalue().decode("ascii").splitlines()  # type: ignore[attr-defined]
    assert said[0] == "10 ?m"
    assert json.loads(said[1]) == {"unit": "µm"}
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert print_answer(Answer([], "No data set yet."), as_json=False) == 0
        print("goes nowhere", flush=True)


def test_names_from_files_cannot_steer_the_terminal() -> None:
    name = "new\nline \x1b[31m"
    finding = Finding(grade="asked", code="type-column", what=f"Types: {name}.")
    for text in (as_facts({"name": name}), as_table(["name"], [[name]], "")[5:], as_findings([finding])):
        assert "new line  [31m" in text
        assert text.strip().isprintable()


def test_the_words_of_a_failed_job_are_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    error = GeneMismatch("No gene fits.").to_dict()
    failed = JobStatus(id="add-1", kind="add", params={}, state=JobState.FAILED, error=error)
    monkeypatch.setattr("backend.api.wait", lambda *_, **__: failed)
    with pytest.raises(UserError) as caught:
        finish(failed)
    assert caught.value.to_dict() == error


def test_a_job_that_waits_says_its_place(capsys) -> None:
    for number in (1, 2):
        index.put(JobStatus(id=f"demo-{number}", kind="demo", params={}))
    assert main(["runs", "show", "demo-2"]) == 0
    assert re.search(r"queue_place +2\n", capsys.readouterr().out)
