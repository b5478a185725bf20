"""The checklist from the command line, on records alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend import api
from backend.cli import main
from backend.records import Recipe
from tests.api.conftest import PANEL, TRANSCRIPTOME, write_dataset


@pytest.fixture(autouse=True)
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path))
    tissue, atlas = write_dataset("tissue", PANEL), write_dataset("reference", TRANSCRIPTOME)
    return api.create_study("Lung", tissue.id, atlas.id).id


def test_steps_are_listed_and_settled(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["studies", "settle", "Lung", "quality", "--json"]) == 0
    steps = {step["name"]: step for step in json.loads(capsys.readouterr().out)}
    assert [name for name, step in steps.items() if step["done"]] == ["loaded", "quality", "named"]
    assert main(["studies", "steps", "Lung"]) == 0
    assert "open  matched" in capsys.readouterr().out


def test_a_step_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["studies", "settle", "Lung", "everything"]) == 2


def test_a_copy_shares_the_data(study: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["studies", "duplicate", "Lung", "--name", "Lung 2", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["tissue"], made["name"]) == (api.study(study).tissue, "Lung 2")
    assert main(["studies", "duplicate", "Lung", "--name", "Lung 2"]) == 1


def test_a_run_on_the_region_in_use(study: str, capsys: pytest.CaptureFixture[str]) -> None:
    region = write_dataset("tissue", PANEL, parent=api.study(study).tissue, recipe=Recipe(most_cells=50))
    api.use_quick_look(study, region.id)
    assert main(["runs", "start", "--study", "Lung", "--preset", "Quick look", "--region", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tissue"] == region.id
    assert main(["runs", "start", "--study", "Lung", "--preset", "Quick look", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tissue"] == api.study(study).tissue
