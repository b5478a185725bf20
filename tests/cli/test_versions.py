"""Versions from the command line, without workers: each call does its own work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from backend import api
from backend.cli import main
from backend.records import DatasetRecord
from tests.datasets.versions.small import reference, tissue


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def lung(home: Path) -> DatasetRecord:
    return tissue()


def call(capsys: pytest.CaptureFixture[str], *arguments: str, exit_code: int = 0) -> Any:
    assert main([*arguments, "--json"]) == exit_code
    return json.loads(capsys.readouterr().out)


def test_cut(capsys: pytest.CaptureFixture[str], lung: DatasetRecord) -> None:
    made = call(
        capsys, "datasets", "cut", "Lung", "--least", "area_um2=60", "--most", "area_um2=150", "--where", "section=L,R",
        "--where", "type=a,b", "--name", "good cells",
    )  # fmt: skip
    assert made["recipe"]["cuts"] == [{"measure": "area_um2", "least": 60.0, "most": 150.0}]
    assert made["recipe"]["where"] == {"section": ["L", "R"], "type": ["a", "b"]}
    assert (made["name"], made["parent"]) == ("good cells", lung.id)
    assert made["n_cells"] == api.dataset(made["id"]).n_cells < 160
    listed = call(capsys, "datasets", "versions", made["id"])
    assert [one["id"] for one in listed] == [lung.id, made["id"]]


def test_suggested_cuts_and_one_of_my_own(capsys: pytest.CaptureFixture[str], lung: DatasetRecord) -> None:
    made = call(capsys, "datasets", "cut", lung.id, "--suggested", "--least", "genes=26")
    mine = {one.measure: one.cut for one in api.suggested_cuts(lung.id) if one.cut}
    cuts = {cut["measure"]: cut for cut in made["recipe"]["cuts"]}
    assert cuts["genes"]["least"] == 26
    assert set(cuts) == {"genes", *mine}


def test_a_balanced_reference(capsys: pytest.CaptureFixture[str]) -> None:
    atlas = reference({"a": 100, "rare": 10})
    made = call(capsys, "datasets", "cut", atlas.id, "--most-cells", "40", "--balance", "types")
    assert made["n_cells"] == 40
    assert api.dataset_obs(made["id"])["type"].value_counts().to_dict() == {"a": 30, "rare": 10}


def test_sections_and_region(capsys: pytest.CaptureFixture[str]) -> None:
    slide = tissue(section="slide", lot=["x", "y"] * 120)
    assert call(capsys, "datasets", "sections", slide.id)["sections"] == {"tissue 1": 120, "tissue 2": 120}
    assert call(capsys, "datasets", "sections", slide.id, "--gap", "150")["sections"] == ["tissue 1", "tissue 2"]
    named = call(capsys, "datasets", "sections", slide.id, "--column", "lot", "--patient", "lot")
    assert (named["sections"], named["columns"]["patient"]) == (["x", "y"], "lot")
    assert call(capsys, "datasets", "region", slide.id, "--cells", "50")["n_cells"] == pytest.approx(50, abs=2)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("cut", "--least", "counts=1e9"), "No cell is left."),
        (("cut", "--least", "counts=many"), "'many' is not a number."),
        (("cut",), "Nothing of 'Lung' would change."),
        (("sections", "--column", "batch_no"), "'batch_no' holds 240 different values"),
        (("sections", "--column", "ghost"), "'ghost' is no column of the cells."),
    ],
)
def test_what_cannot_be_is_said(
    capsys: pytest.CaptureFixture[str], lung: DatasetRecord, arguments: tuple[str, ...], what: str
) -> None:
    command, *flags = arguments
    error = call(capsys, "datasets", command, lung.id, *flags, exit_code=1)["error"]
    assert error["what"].startswith(what)
    assert [record.id for record in api.datasets()] == [lung.id]


def test_a_study_uses_a_version_and_takes_it_back(capsys: pytest.CaptureFixture[str], lung: DatasetRecord) -> None:
    atlas = reference({"a": 60, "b": 60})
    study = call(capsys, "studies", "create", "--name", "s", "--tissue", lung.id, "--reference", atlas.id)["id"]
    made = call(capsys, "datasets", "cut", lung.id, "--least", "counts=60")["id"]
    assert call(capsys, "studies", "use", study, "--role", "tissue", made)["tissue"] == made
    assert call(capsys, "studies", "undo", study)["tissue"] == lung.id
    assert "can be taken back" in call(capsys, "studies", "undo", study, exit_code=1)["error"]["what"]
