"""The main road from the command line, on two tiny made-up files, without workers: each call does its own work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from backend.cli import main

GENES = tuple(f"GENE{i:02d}" for i in range(24))


def made_up(n_cells: int, genes: tuple[str, ...], seed: int) -> ad.AnnData:
    """Two types with their own half of the genes."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 2, n_cells)
    rate = np.where(np.arange(len(genes)) % 2 == kind[:, None], 1.5, 0.3)
    names = [f"cell{i}" for i in range(n_cells)]
    obs = pd.DataFrame({"cell_type": np.array(["T cell", "Tumour"])[kind]}, index=names)
    counts = csr_matrix(rng.poisson(rate).astype(np.float32))
    return ad.AnnData(counts, obs=obs, var=pd.DataFrame(index=list(genes)))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Paths of a tissue in mm, a reference, a second tissue in um, and a file of gene sets."""
    folder = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(0)
    paths = {name: str(folder / f"{name}.h5ad") for name in ("tissue", "reference", "other")}
    for seed, (name, n_cells) in enumerate((("tissue", 400), ("reference", 150), ("other", 120))):
        data = made_up(n_cells, (*GENES, "EXTRA1", "EXTRA2") if name == "reference" else GENES, seed)
        if name != "reference":
            scale = 1e-3 if name == "tissue" else 1.0
            data.obsm["spatial"] = rng.uniform(0, (900, 200), (n_cells, 2)) * scale
        data.write_h5ad(paths[name])
    sets = folder / "sets.gmt"
    sets.write_text("".join(f"SET{k}\t\t" + "\t".join(GENES[k::3]) + "\n" for k in range(3)))
    return {**paths, "sets": str(sets)}


class Shell:
    """Calls with `--json`; keeps nothing but the exit code it expects."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *arguments: str, exit_code: int = 0) -> Any:
        code = main([*arguments, "--json"])
        out = self.capsys.readouterr().out
        assert code == exit_code, out
        return json.loads(out)


@pytest.fixture
def shell(capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RESITU_THREADS", "1")
    return Shell(capsys)


@pytest.mark.slow
def test_all_the_way(shell: Shell, files: dict[str, str], tmp_path: Path) -> None:
    tissue = shell("datasets", "add", files["tissue"], "--role", "tissue", "--unit", "mm", "--species", "human")
    assert tissue["um_per_unit"] == 1000
    assert tissue["id"] == shell("datasets", "list")[0]["id"]
    reference = shell("datasets", "add", files["reference"], "--role", "reference", "--species", "human")
    other = shell("datasets", "add", files["other"], "--role", "tissue", "--unit", "um", "--species", "human")
    study = shell("studies", "create", "--name", "s", "--tissue", tissue["id"], "--reference", "reference")
    assert study["types"] == {tissue["id"]: "column", reference["id"]: "column"}

    start = ("runs", "start", "--study", "s", "--method", "scxm", "--seed", "3", "--wait")
    run = shell(*start, "--set", "epochs=1", "--set", "decoder_epochs=1", "--set", "sigma_um=30")
    assert run["state"] == "succeeded"
    assert run["seed"] == 3
    assert run["config"]["epochs"] == 1
    again = shell(*start, "--set", "epochs=1", "--set", "decoder_epochs=1", "--set", "sigma_um=30")
    assert (again["id"], again["attempt"]) == (run["id"], 1)
    assert [line["id"] for line in shell("runs", "list", "--study", "s")] == [run["id"]]
    assert "verdict" in shell("runs", "show", run["id"])["summary"]

    applied = shell("predict", run["id"], "--dataset", "other", "--wait")
    assert applied["state"] == "succeeded"
    assert applied["result"]["dataset"] == other["id"]

    niche = shell("niches", run["id"], "--dataset", "reference", "--type", "T cell", "--gene", GENES[0], "--wait")
    assert {row["gene"] for row in niche["table"]} <= {*GENES, "EXTRA1", "EXTRA2"}
    for source in (niche["id"], run["id"]):
        sets = shell("enrich", source, "--sets", files["sets"], "--wait")
        assert len(sets["table"]) > 0

    exported = tmp_path / "out.h5ad"
    assert shell("export", run["id"], str(exported))["path"] == str(exported)
    check_export(exported)
    shell("export", run["id"], str(tmp_path / "out.csv"))
    assert pd.read_csv(tmp_path / "out.csv", index_col="cell").shape == (150, len(GENES))
    refused = shell("datasets", "delete", tissue["id"], exit_code=1)
    assert refused["error"]["kind"] == "InUse"


def check_export(path: Path) -> None:
    data = ad.read_h5ad(path)
    context = data.obsm["context"]
    assert context.shape == (150, len(GENES))
    assert context.dtype == np.float32
    assert context.min() >= 0
    assert context.max() <= 1
    assert context.std() > 0
    assert sorted(data.uns["context_genes"]) == sorted(GENES)
    assert "scores" in data.uns


def test_a_refused_file_adds_nothing(shell: Shell, tmp_path: Path) -> None:
    words = tmp_path / "words.h5ad"
    words.write_text("this is no data")
    for role in ("tissue", "reference"):
        refused = shell("datasets", "add", str(words), "--role", role, exit_code=1)
        assert refused["error"]["what"]
        assert refused["error"]["mend"]
    assert shell("datasets", "list") == []
    assert list((tmp_path / "home").glob("datasets/*")) == []


def test_check_adds_nothing(shell: Shell, files: dict[str, str]) -> None:
    seen = shell("datasets", "check", files["tissue"])
    asked = {finding["flag"] for finding in seen["findings"] if finding["grade"] == "asked"}
    assert "--unit" in asked
    assert shell("datasets", "list") == []
