"""`backbones` from the command line, with small weights under the published names."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.methods.scxm.geneformer.layout import LAYOUTS
from tests.cli.test_road import Shell
from tests.methods.scxm.geneformer.published import V2, write_repository


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path / "home"))
    return Shell(capsys)


def test_the_three_are_listed_with_their_published_sizes(shell: Shell) -> None:
    listed = {one["name"]: one for one in shell("backbones", "list")}
    assert {name: one["parameters"] for name, one in listed.items()} == {
        "geneformer-v1-10m": 10_288_722,
        "geneformer-v2-104m": 104_386_867,
        "geneformer-v2-316m": 316_354_867,
    }
    assert not any(one["here"] for one in listed.values())
    assert [one["most_genes"] for one in listed.values()] == [2048, 4094, 4094]


def test_a_folder_is_added_and_listed(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYOUTS, V2.name, V2)
    folder = write_repository(tmp_path / "repository", V2)
    made = shell("backbones", "add", str(folder))
    assert (made["id"], made["here"], made["source"]) == ("geneformer-v2-104m", True, str(folder))
    assert [one["name"] for one in shell("backbones", "list") if one["here"]] == ["geneformer-v2-104m"]


def test_what_cannot_be_is_said(shell: Shell, tmp_path: Path) -> None:
    empty = shell("backbones", "add", str(tmp_path), exit_code=1)["error"]
    assert "holds no config.json" in empty["what"]
    unknown = shell("backbones", "fetch", "scgpt", exit_code=1)["error"]
    assert unknown["what"] == "'scgpt' is no backbone."
