"""Exit codes and the shape of what is printed. Nothing here is computed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from backend.cli import main
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
