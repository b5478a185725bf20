"""Names of cells from the command line, on two tiny made-up files, without workers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.test_road import GENES, Shell, made_up


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RESITU_FOLDERS", raising=False)
    run = Shell(capsys)
    rng = np.random.default_rng(0)
    for seed, (name, n_cells) in enumerate((("tissue", 200), ("reference", 150))):
        data = made_up(n_cells, GENES, seed)
        if name == "tissue":
            data.obsm["spatial"] = rng.uniform(0, (900, 200), (n_cells, 2))
        data.write_h5ad(tmp_path / f"{name}.h5ad")
        unit = ["--unit", "um"] if name == "tissue" else []
        run("datasets", "add", str(tmp_path / f"{name}.h5ad"), "--role", name, "--name", name, *unit)
    run("studies", "create", "--name", "lung", "--tissue", "tissue", "--reference", "reference")
    return run


def types_of(shell: Shell) -> dict[str, int]:
    return {row["type"]: row["cells"] for row in shell("types", "show", "lung")["types"]}


@pytest.mark.slow
def test_names_are_changed_written_read_and_found(shell: Shell, tmp_path: Path) -> None:
    before = types_of(shell)
    assert set(before) == {"T cell", "Tumour"}

    edited = shell("types", "edit", "lung", "--rename", "T cell=+T", "--split", "Tumour=GENE01>1")
    assert "Names were edited by hand" in edited["source"]
    after = types_of(shell)
    assert after["+T"] == before["T cell"]
    assert after["Tumour GENE01+"] + after["Tumour GENE01-"] == before["Tumour"]

    shell("types", "colour", "lung", "+T=#ABCDEF")
    out = tmp_path / "groups.csv"
    assert shell("types", "export", "lung", str(out))["cells"] == 200
    assert ",'+T" in out.read_text()
    shell("types", "import", "lung", str(out))
    assert types_of(shell) == after

    lists = tmp_path / "lists.txt"
    lists.write_text(f"Even: {', '.join(GENES[::2])}\nOdd: {', '.join(GENES[1::2])}\n")
    shell("types", "markers", "lung", str(lists), "--resolution", "0.3")
    found = types_of(shell)
    assert abs(found["Even"] - before["T cell"]) <= 10

    refused = shell("types", "edit", "lung", "--rename", "gone=x", exit_code=1)
    assert "'gone'" in refused["error"]["why"]
    assert types_of(shell) == found, "what is refused changes nothing"
    shell("types", "edit", "lung", "--split", "Even=often", exit_code=2)
    pickle = shell("types", "model", "lung", str(tmp_path / "model.pkl"), exit_code=1)
    assert "no pickle is opened" in pickle["error"]["what"]
    nowhere = shell("types", "show", "lung", "--dataset", "validation", exit_code=1)
    assert "has no validation data set" in nowhere["error"]["what"]
